// js-libp2p alone, as its documentation has it, in a process of its own; `startStockNode` is for nodes in the test's.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { eventually } from '../../../support/wait-for.ts'

/** What carries a connection. */
export type StockWay = 'direct' | 'relayed'

export interface StockInit {
  readonly relays: readonly string[]
  readonly listen?: readonly string[]
  readonly stunUrl?: string
}

export interface StockContact {
  readonly peerId: string
  readonly addresses: string[]
}

/** Streams of js-libp2p run on a limited connection when both sides ask for it. */
export const anywhere = { runOnLimitedConnection: true }

/** By default 5, and all that come through one relay count as one host: every other cycle of a leak test was refused. */
const MAX_INBOUND_PER_SECOND = 1_000

/** Resolves when it is reachable at its relay, if it has one. */
export async function startStock({ relays, listen = [], stunUrl }: StockInit): Promise<Libp2p> {
  const iceServers = stunUrl == null ? [] : [{ urls: stunUrl }]
  const node = await createLibp2p({
    addresses: { listen: [...listen, ...relays.map((relay) => `${relay}/p2p-circuit`), '/webrtc'] },
    transports: [tcp(), webSockets(), circuitRelayTransport(), webRTC({ rtcConfiguration: { iceServers } })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: { inboundConnectionThreshold: MAX_INBOUND_PER_SECOND },
    services: { identify: identify(), ping: ping() }
  })
  const isReserved = (): boolean => node.getMultiaddrs().some((address) => address.toString().includes('/p2p-circuit'))
  if (relays.length > 0) await eventually('js-libp2p has a reservation', isReserved)
  return node
}

export function contactOf(node: Libp2p): StockContact {
  return { peerId: node.peerId.toString(), addresses: node.getMultiaddrs().map(String) }
}

export const wayOf = (address: string): StockWay => (address.includes('/webrtc') ? 'direct' : 'relayed')

/** The connection that was asked for; a direct one is arranged over a relayed one, which may stay. */
export async function dialStock(node: Libp2p, { addresses }: StockContact, way: StockWay): Promise<Connection> {
  const address = addresses.find((one) => one.includes('/p2p-circuit') && wayOf(one) === way)
  if (address == null) throw new Error(`There is no ${way} address among ${addresses}`)
  const connection = await node.dial(multiaddr(address))
  const got = wayOf(connection.remoteAddr.toString())
  if (got !== way) throw new Error(`js-libp2p gave a ${got} connection where a ${way} one was asked for`)
  return connection
}
