// A peer with Holdfast, as an application makes it: the preset, one relay, and the other's PeerId to dial.
import type { Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { createNode, type HoldfastNode } from 'libp2p-holdfast'
import { servePeer } from '../harness.ts'
import {
  type Dial,
  ECHO_BYTES,
  echo,
  openEcho,
  type Ready,
  type Setup,
  serveEcho,
  settle,
  whenReachable
} from './echo.ts'

let node: HoldfastNode

async function setUp({ relay }: Setup): Promise<Ready> {
  node = await createNode({ relays: [relay] })
  await serveEcho(node)
  const addresses = await whenReachable(node, relay)
  await settle()
  return { peerId: node.peerId.toString(), addresses }
}

async function dial({ peerId, until }: Dial): Promise<Record<string, number>> {
  const peer = peerIdFromString(peerId)
  const start = performance.now()
  const connection = await node.dial(peer)
  const stream = await openEcho(connection)
  await echo(stream)
  const relayMs = performance.now() - start
  if (until !== 'direct') return { relayMs }
  const link = node.services.links.get(peer)!
  await link.whenDirect()
  await echoDirectly(stream, () => link.paths.find(({ kind }) => kind === 'webrtc'))
  return { relayMs, directMs: performance.now() - start }
}

interface Counters {
  readonly sentBytes: number
  readonly receivedBytes: number
}

/** Until question and answer both went over the direct path: each side moves there by itself. */
async function echoDirectly(stream: Stream, direct: () => Counters | undefined): Promise<void> {
  for (;;) {
    const { sentBytes = 0, receivedBytes = 0 } = direct() ?? {}
    await echo(stream)
    const now = direct()
    if (now == null) continue
    if (now.sentBytes - sentBytes >= ECHO_BYTES && now.receivedBytes - receivedBytes >= ECHO_BYTES) return
  }
}

servePeer(async (command: Setup | Dial) => ('relay' in command ? setUp(command) : dial(command)))
