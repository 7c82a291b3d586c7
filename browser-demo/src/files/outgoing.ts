import type { PeerId } from '@libp2p/interface'
import type { HoldfastNode } from 'libp2p-holdfast'
import { FileProtocolError, filesProtocol } from './protocol.ts'
import { type Attempts, reach } from './reach.ts'
import { RefusedError, sendRest, UnreadableError } from './sending.ts'
import type { Source } from './storage.ts'
import type { Transfer } from './transfer.ts'
import { theirReasons } from './words.ts'

/** Failures in a row, with a link that is up and without a byte of progress, before a person has to look at it. */
const maxFailures = 6

/** Sends a file, over as many links as it takes. Resolves when it is over, one way or the other. */
export async function sendFile(node: HoldfastNode, peer: PeerId, transfer: Transfer, source: Source): Promise<void> {
  const attempts: Attempts = { failures: 0 }
  try {
    while (!transfer.isOver.value) {
      const before = transfer.storedBytes.value
      await attempt(node, peer, transfer, source, attempts)
      attempts.failures = transfer.storedBytes.value > before ? 1 : attempts.failures + 1
      if (attempts.failures > maxFailures && attempts.last != null && attempts.last.state.status !== 'closed') {
        transfer.become({ status: 'failed', reason: 'it broke off again and again' })
      }
    }
  } finally {
    source.close()
  }
}

async function attempt(
  node: HoldfastNode,
  peer: PeerId,
  transfer: Transfer,
  source: Source,
  attempts: Attempts
): Promise<void> {
  const { signal } = transfer
  const link = await reach(node, peer, attempts, signal).catch(() => undefined)
  if (link == null) return transfer.become({ status: 'interrupted', reason: 'it cannot be reached at the moment' })
  attempts.last = link
  try {
    const stream = await link.connection.newStream(filesProtocol, { signal, runOnLimitedConnection: true })
    transfer.use(stream)
    await sendRest(stream, transfer, source)
  } catch (err) {
    const { state } = link
    const ofLink = state.status === 'closed' ? (state.reason?.message ?? 'the link was closed') : undefined
    const reason = ofLink ?? (err as Error).message
    transfer.become(finalState(err as Error) ?? { status: 'interrupted', reason })
  }
}

function finalState(err: Error): Parameters<Transfer['become']>[0] | undefined {
  if (err instanceof RefusedError) {
    const reason = theirReasons[err.reason]
    const byPerson = err.reason === 'cancelled' || err.reason === 'declined'
    return byPerson ? { status: 'cancelled', by: 'them', reason } : { status: 'failed', reason }
  }
  if (err instanceof UnreadableError) return { status: 'failed', reason: `it cannot be read any more: ${err.message}` }
  if (err instanceof FileProtocolError) return { status: 'failed', reason: err.message }
  if (err.name === 'UnsupportedProtocolError') return { status: 'failed', reason: 'the other side does not take files' }
  return undefined
}
