// Nodes for tests, ended with the test that started them.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import { noise as noiseOfLibp2p } from '@libp2p/noise'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { yamux as yamuxOfLibp2p } from '@libp2p/yamux'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { onTestFinished } from 'vitest'
import { type CreateNodeInit, createNode, type HoldfastNode } from '../../src/index.ts'
import { pathKind } from '../../src/path/index.ts'
import { type StartRelayOptions, startRelay, type TestRelay } from './relay.ts'

// biome-ignore lint/suspicious/noExplicitAny: services of any kind
export async function startNode(init: CreateNodeInit<any> = {}): Promise<HoldfastNode> {
  const node = await createNode(init)
  onTestFinished(async () => {
    await node.stop()
  })
  return node
}

/** Two nodes behind these relays; the first has the smaller PeerId only by chance. */
export async function startPair(
  relays: string[],
  first: CreateNodeInit = {},
  second: CreateNodeInit = first
): Promise<[HoldfastNode, HoldfastNode]> {
  return Promise.all([startNode({ relays, ...first }), startNode({ relays, ...second })])
}

/** A relay of this test alone. Others share one per file. */
export async function startOwnRelay(options?: StartRelayOptions): Promise<TestRelay> {
  const relay = await startRelay(options)
  onTestFinished(() => relay.stop())
  return relay
}

export interface StockOptions {
  relays?: string[]
  /** Noise and yamux under the project's own scope instead of ChainSafe's. */
  ownScope?: boolean
  listen?: string[]
  libp2p?: Partial<Libp2pOptions>
}

/** libp2p as its documentation has it: circuit relay and WebRTC, nothing of ours. */
export async function startStockNode({
  relays = [],
  ownScope = false,
  listen = [],
  libp2p = {}
}: StockOptions = {}): Promise<Libp2p<{ ping: Ping }>> {
  const node = await createLibp2p({
    addresses: { listen: [...listen, ...relays.map((relay) => `${relay}/p2p-circuit`), '/webrtc'] },
    transports: [tcp(), webSockets(), circuitRelayTransport(), webRTC({ rtcConfiguration: { iceServers: [] } })],
    connectionEncrypters: [ownScope ? noiseOfLibp2p() : noise()],
    streamMuxers: [ownScope ? yamuxOfLibp2p() : yamux()],
    services: { identify: identify(), ping: ping() },
    ...libp2p
  })
  onTestFinished(async () => {
    await node.stop()
  })
  return node as unknown as Libp2p<{ ping: Ping }>
}

/** The carriers between a node and a peer, durable connection excluded. */
export function carriers(node: Libp2p, peer: PeerId, kind?: string): Connection[] {
  return node
    .getConnections(peer)
    .filter(({ remoteAddr }) => remoteAddr.getComponents().length > 1)
    .filter(({ remoteAddr }) => kind == null || pathKind(remoteAddr) === kind)
}

/** A multiaddr whose relay does not answer. */
export function deadRelay(peerId: PeerId | string): string {
  // Port 9 is "discard": nothing listens there, connections are refused at once.
  return `/ip4/127.0.0.1/tcp/9/ws/p2p/${peerId}`
}
