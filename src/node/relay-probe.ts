import type { AbortOptions, Connection } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { equals as uint8ArrayEquals } from 'uint8arrays/equals'

/** libp2p's ping, which relays answer: 32 bytes come back. https://github.com/libp2p/specs/blob/master/ping/ping.md */
const PING_PROTOCOL = '/ipfs/ping/1.0.0'
const PING_BYTES = 32

/**
 * Whether the relay is still at the other end of this connection: libp2p notices dead ones by its connection monitor only,
 * which cannot run beside links.
 *
 * @throws {Error} it did not answer; one that does not speak ping did, in its way
 */
export async function probeRelay(connection: Connection, options: AbortOptions): Promise<void> {
  const stream = await connection.newStream(PING_PROTOCOL, options).catch((err: Error) => {
    if (err.name === 'UnsupportedProtocolError') return undefined
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
