// What both contestants' peers have in common: an echo, and the time until it came back.
import { once } from 'node:events'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'

export const ECHO = '/bench/echo/1.0.0'

/** Large beside an acknowledgement, so that the path an echo took shows in its counters; small beside a packet. */
export const ECHO_BYTES = 512

const anywhere = { runOnLimitedConnection: true }

export async function serveEcho(node: Libp2p): Promise<void> {
  await node.handle(
    ECHO,
    (stream: Stream) => stream.addEventListener('message', ({ data }) => stream.send(data)),
    anywhere
  )
}

export function openEcho(connection: Connection): Promise<Stream> {
  return connection.newStream(ECHO, anywhere)
}

/** Resolves with the first byte of the answer; the rest of it may still be on its way. */
export async function echo(stream: Stream): Promise<void> {
  const answered = once(stream as never, 'message')
  stream.send(new Uint8Array(ECHO_BYTES))
  await answered
}

/** Nodes go on talking after they started (identify, address changes): that must not be timed. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 500))
}

/**
 * Reachable through the relay, and by WebRTC arranged over it. Only by the relay address we know: each further address
 * of it costs stock another 6 s when ICE is blocked.
 */
export async function whenReachable(node: Libp2p, relay: string): Promise<string[]> {
  for (;;) {
    const addresses = node
      .getMultiaddrs()
      .map(String)
      .filter((address) => address.startsWith(`${relay}/p2p-circuit`))
    if (addresses.some((address) => address.includes('/webrtc/'))) return addresses
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** What every peer is told first. */
export interface Setup {
  readonly relay: string
}

/** What every peer answers to that. */
export interface Ready {
  readonly peerId: string
  readonly addresses: string[]
}

/** - `relay`: until the first echo, whatever carries it  - `direct`: until the first echo that went over a direct path */
export interface Dial extends Ready {
  readonly until: 'relay' | 'direct' | 'fallback'
}
