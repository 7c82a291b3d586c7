import type { AbortOptions, Connection, Logger } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import { equals as uint8ArrayEquals } from 'uint8arrays/equals'

/** libp2p's ping, which relays answer: 32 bytes come back. https://github.com/libp2p/specs/blob/master/ping/ping.md */
const PING_PROTOCOL = '/ipfs/ping/1.0.0'
const PING_BYTES = 32

/** It has answered by then: there is no such protocol, or it agreed to one ping more than libp2p allows us at once. */
const ANSWERS: ReadonlySet<string> = new Set(['UnsupportedProtocolError', 'TooManyOutboundProtocolStreamsError'])

/** Under way. Many dials may wait for their peers at the same time, and neither side allows many pings at once. */
const probes = new WeakMap<Connection, Promise<void>>()

/**
 * Whether the relay is still at the other end of this connection: libp2p notices dead ones by its connection monitor only,
 * which cannot run beside links. Whoever asks while another asks gets the same answer.
 *
 * @throws {Error} it did not answer; one that does not speak ping did, in its way
 */
export function probeRelay(connection: Connection, options: AbortOptions): Promise<void> {
  const running = probes.get(connection)
  if (running != null) return raceSignal(running, options.signal)
  const probe = ping(connection, options).finally(() => probes.delete(connection))
  probes.set(connection, probe)
  return probe
}

/** Asks, and gives the connection up where no answer comes within this time. `onSilent` hears of that before. */
export async function giveUpSilent(
  connection: Connection,
  answerMs: number,
  log: Logger,
  onSilent?: () => void
): Promise<void> {
  try {
    await probeRelay(connection, { signal: AbortSignal.timeout(answerMs) })
  } catch (err) {
    if (connection.status !== 'open') return
    log('relay %p does not answer: its connection is given up - %e', connection.remotePeer, err)
    onSilent?.()
    connection.abort(err as Error)
  }
}

async function ping(connection: Connection, options: AbortOptions): Promise<void> {
  const stream = await connection.newStream(PING_PROTOCOL, options).catch((err: Error) => {
    if (ANSWERS.has(err.name)) return undefined
    throw err
  })
  if (stream == null) return
  try {
    const sent = crypto.getRandomValues(new Uint8Array(PING_BYTES))
    const bytes = byteStream(stream)
    await bytes.write(sent, options)
    const echo = await bytes.read({ ...options, bytes: PING_BYTES })
    if (!uint8ArrayEquals(sent, echo.subarray())) throw new Error('The relay answered a ping with other bytes')
    await stream.close(options)
  } catch (err) {
    stream.abort(err as Error)
    throw err
  }
}
