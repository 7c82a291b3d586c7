// Nodes of both kinds, for each carrier: what they are reached by, and how they open and close what carries their streams.
import { setTimeout as sleep } from 'node:timers/promises'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p } from '@libp2p/interface'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { createNode, type HoldfastNode, type Link, links, linkTransport } from '../../../../src/index.ts'
import { pathKind } from '../../../../src/path/index.ts'

export type CarrierKind = 'ws' | 'wss' | 'relay' | 'webrtc'

export interface PeerSetup {
  /**
   * `link`: Holdfast's links. `raw`: libp2p's own streams and connections over a node of ours. `stock`: libp2p as its
   * documentation has it.
   */
  readonly stack: 'link' | 'raw' | 'stock'
  readonly carrier: CarrierKind
  readonly relays: readonly string[]
  /** PEM, for listening by TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** What streams are opened on, and what is closed after them. */
export interface Session {
  readonly connection: Connection
  close(): Promise<void>
}

/** Diallers are many and come from one address. */
const CONNECTIONS_PER_SECOND = 1_000

const STOCK_DIALS = 20
const STOCK_DIAL_PAUSE_MS = 50

const LISTEN = { ws: ['/ip4/127.0.0.1/tcp/0/ws'], wss: ['/ip4/127.0.0.1/tcp/0/tls/ws'], relay: [], webrtc: [] }

export async function startPeer(setup: PeerSetup, isListening: boolean): Promise<Libp2p> {
  const { stack, carrier, tls } = setup
  const usesRelay = carrier === 'relay' || carrier === 'webrtc'
  const relays = usesRelay ? [...setup.relays] : []
  const listen = isListening ? LISTEN[carrier] : []
  if (stack === 'stock') return startStock({ relays: isListening ? relays : [], listen, tls, isListening })
  const upgrade = carrier === 'webrtc' && stack === 'link' ? 'auto' : 'never'
  // `createNode` listens without TLS; a node of one's own is put together as the README has it.
  if (tls != null && isListening) {
    return createLibp2p({
      ...stockOptions({ relays: [], listen, tls }),
      connectionMonitor: { enabled: false },
      transports: [linkTransport(), webSockets({ https: tls })],
      services: { identify: identify(), links: links({ upgrade }) }
    })
  }
  return createNode({ relays, listen, upgrade: stack === 'raw' ? 'auto' : upgrade })
}

async function startStock({ isListening, ...init }: StockInit & { isListening: boolean }): Promise<Libp2p> {
  const options = stockOptions(init)
  if (!isListening) options.addresses = { listen: ['/webrtc'] }
  return createLibp2p(options)
}

interface StockInit {
  readonly relays: readonly string[]
  readonly listen: readonly string[]
  readonly tls: PeerSetup['tls']
}

function stockOptions({ relays, listen, tls }: StockInit): Libp2pOptions {
  const webrtc = relays.length > 0 ? ['/webrtc'] : []
  return {
    addresses: { listen: [...listen, ...relays.map((relay) => `${relay}/p2p-circuit`), ...webrtc] },
    transports: [
      webSockets(tls == null ? {} : { https: tls }),
      circuitRelayTransport(),
      webRTC({ rtcConfiguration: { iceServers: [] } })
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: {
      inboundConnectionThreshold: CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: CONNECTIONS_PER_SECOND,
      maxConnections: CONNECTIONS_PER_SECOND
    },
    services: { identify: identify() }
  }
}

/** Where others dial it. */
export function addressOf(node: Libp2p, { carrier, relays }: PeerSetup): string {
  if (carrier === 'ws' || carrier === 'wss') return node.getMultiaddrs()[0]!.toString()
  return `${relays[0]}/p2p-circuit${carrier === 'webrtc' ? '/webrtc' : ''}/p2p/${node.peerId}`
}

export async function dial(node: Libp2p, { stack, carrier }: PeerSetup, address: string): Promise<Session> {
  if (stack !== 'link') {
    const connection = await dialStock(node, address)
    return { connection, close: () => connection.close() }
  }
  const { links } = (node as HoldfastNode).services
  const link = await links.dial(multiaddr(address.replace('/webrtc', '')))
  if (carrier === 'webrtc') await link.whenDirect({ signal: AbortSignal.timeout(30_000) })
  return { connection: link.connection, close: closer(link.connection, link) }
}

/** Stock dials over WebRTC run into their timeout now and then, and what they lead to may be closing already. */
async function dialStock(node: Libp2p, address: string): Promise<Connection> {
  const failures: unknown[] = []
  while (failures.length < STOCK_DIALS) {
    try {
      const connection = await node.dial(multiaddr(address))
      if (connection.status === 'open') return connection
      failures.push(`the connection is ${connection.status}`)
      await sleep(STOCK_DIAL_PAUSE_MS)
    } catch (err) {
      failures.push(err)
    }
  }
  throw new Error(`Not dialled: ${failures.join(', ')}`)
}

/** What a handler closes: the link it belongs to, where there is one. */
export function sessionOf(node: Libp2p, connection: Connection): Session {
  return { connection, close: closer(connection, (node as HoldfastNode).services.links?.get(connection.remotePeer)) }
}

let closers = 0

/** Applications close their link, or the connection that it gave them. */
function closer(connection: Connection, link: Link | undefined): () => Promise<void> {
  return () => (closers++ % 2 === 0 && link != null ? link : connection).close()
}

/** Leaves a link nothing but its direct path: what that loses when it closes, no other path brings. */
export function cutRelayed(node: Libp2p, { connection }: Session): void {
  for (const carrier of node.getConnections(connection.remotePeer)) {
    const { remoteAddr } = carrier
    const isDurable = remoteAddr.getComponents().length === 1
    if (!isDurable && pathKind(remoteAddr) === 'relayed') carrier.abort(new Error('cut by the test'))
  }
}
