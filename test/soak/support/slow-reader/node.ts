// A node of ours or of js-libp2p alone, and the connection to the other one.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { createNode, type HoldfastNode } from '../../../../src/index.ts'
import { eventually } from '../../../support/wait-for.ts'

export type Kind = 'ours' | 'stock'
export type Way = 'webrtc' | 'relay'

export interface NodeInit {
  readonly kind: Kind
  readonly way: Way
  readonly relays: string[]
}

export interface Reachable {
  readonly peerId: string
  readonly addresses: string[]
}

export async function startNode({ kind, way, relays }: NodeInit): Promise<Libp2p> {
  if (kind === 'ours') return createNode({ relays, upgrade: way === 'relay' ? 'never' : 'auto' })
  return createLibp2p({
    addresses: { listen: [...relays.map((relay) => `${relay}/p2p-circuit`), '/webrtc'] },
    transports: [webSockets(), circuitRelayTransport(), webRTC({ rtcConfiguration: { iceServers: [] } })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
}

export async function reachable(node: Libp2p): Promise<Reachable> {
  const addresses = (): string[] => node.getMultiaddrs().map(String)
  await eventually('the node has a reservation', () => addresses().some((address) => address.includes('/p2p-circuit')))
  return { peerId: node.peerId.toString(), addresses: addresses() }
}

export async function connect(node: Libp2p, { kind, way }: NodeInit, to: Reachable): Promise<Connection> {
  if (kind === 'stock') {
    const address = to.addresses.find((address) => address.includes('/webrtc') === (way === 'webrtc'))
    return node.dial(multiaddr(address))
  }
  const link = await (node as HoldfastNode).services.links.dial(peerIdFromString(to.peerId))
  if (way === 'webrtc') await link.whenDirect({ signal: AbortSignal.timeout(20_000) })
  return link.connection
}
