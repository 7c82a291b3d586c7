import type { PeerId } from '@libp2p/interface'
import type { HoldfastNode } from 'libp2p-holdfast'
import { FileProtocolError, filesProtocol } from './protocol.ts'
import { nextLink, reach } from './reach.ts'
import { RefusedError, sendRest, UnreadableError } from './sending.ts'
import type { Source } from './storage.ts'
import type { Transfer } from './transfer.ts'
import { theirReasons } from './words.ts'

/** Failures in a row, with a link that is up and without a byte of progress, before a person has to look at it. */
const maxFailures = 6

/** Sends a file, over as many links as it takes. Resolves when it is over, one way or the other. */
export async function sendFile(node: HoldfastNode, peer: PeerId, transfer: Transfer, source: Source): Promise<void> {
  let failures = 0
  try {
    while (!transfer.isOver.value) {
      const before = transfer.storedBytes.value
      const ending = await attempt(node, peer, transfer, source, failures)
      if (ending === 'over') return
      failures = transfer.storedBytes.value > before ? 1 : failures + 1
      // Whoever closed the link on purpose does not want it back because of a file.
      if (ending === 'closed') await nextLink(node, peer, transfer.signal)
      else if (failures > maxFailures && ending === 'broken')
        transfer.become({ status: 'failed', reason: 'it broke off again and again' })
    }
  } finally {
    source.close()
  }
}

/** `over`: final. `closed`: the link was closed on purpose. `unreachable`: there was none. `broken`: only the stream. */
type Ending = 'over' | 'closed' | 'unreachable' | 'broken'

async function attempt(
  node: HoldfastNode,
  peer: PeerId,
  transfer: Transfer,
  source: Source,
  failures: number
): Promise<Ending> {
  let link: Awaited<ReturnType<typeof reach>> | undefined
  try {
    link = await reach(node, peer, failures, transfer.signal)
    const stream = await link.connection.newStream(filesProtocol, {
      signal: transfer.signal,
      runOnLimitedConnection: true
    })
    transfer.use(stream)
    await sendRest(stream, transfer, source)
    return 'over'
  } catch (err) {
    const final = finalState(err as Error)
    if (final != null) transfer.become(final)
    if (transfer.isOver.value) return 'over'
    const state = link?.state
    const reason =
      state?.status === 'closed' ? (state.reason?.message ?? 'the link was closed') : (err as Error).message
    transfer.become({ status: 'interrupted', reason })
    if (state == null) return 'unreachable'
    if (state.status !== 'closed') return 'broken'
    return state.reason == null ? 'closed' : 'unreachable'
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
