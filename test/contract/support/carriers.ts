// Real carriers between two nodes of this process, and session streams on them.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Connection, ConnectionEncrypter, Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { PathKind } from '../../../src/path/index.ts'
import { SESSION_PROTOCOL } from '../../../src/wire/index.ts'
import { eventually } from '../../support/wait-for.ts'

export interface End {
  readonly stream: Stream
  readonly connection: Connection
}

/** Both ends of one session stream. */
export interface Ends {
  readonly dialler: End
  readonly listener: End
}

export interface Carriers {
  readonly kind: PathKind
  /** A session stream on the carrier all tests share, or on one of its own. */
  open(carrier?: 'shared' | 'own'): Promise<Ends>
  stop(): Promise<void>
}

export interface NodeInit {
  readonly listen?: string[]
  readonly relay?: boolean
  /** Stock limits per circuit. */
  readonly limited?: boolean
  readonly encrypters?: Array<(components: never) => ConnectionEncrypter>
}

export async function startNode(init: NodeInit = {}): Promise<Libp2p> {
  const relay = circuitRelayServer({ reservations: init.limited === true ? {} : { applyDefaultLimit: false } })
  const node = await createLibp2p({
    addresses: { listen: init.listen ?? [] },
    transports: [tcp(), webSockets(), circuitRelayTransport(), webRTC({ rtcConfiguration: { iceServers: [] } })],
    connectionEncrypters: (init.encrypters ?? [noise()]) as never,
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: { inboundConnectionThreshold: 1_000 },
    connectionMonitor: { enabled: false },
    services: { identify: identify(), ...(init.relay === true ? { relay } : {}) }
  })
  return node as Libp2p
}

const DIRECT: Partial<Record<PathKind, string>> = {
  tcp: '/ip4/127.0.0.1/tcp/0',
  websocket: '/ip4/127.0.0.1/tcp/0/ws'
}

export async function startCarriers(kind: PathKind, init: NodeInit = {}): Promise<Carriers> {
  const direct = DIRECT[kind]
  const nodes: Libp2p[] = []
  const start = async (nodeInit: NodeInit): Promise<Libp2p> => {
    const node = await startNode({ encrypters: init.encrypters, ...nodeInit })
    nodes.push(node)
    return node
  }
  let listener: Libp2p
  if (direct != null) {
    listener = await start({ listen: [direct] })
  } else {
    const relay = await start({ listen: ['/ip4/127.0.0.1/tcp/0/ws'], relay: true, limited: init.limited })
    listener = await start({ listen: [`${relay.getMultiaddrs()[0]}/p2p-circuit`, '/webrtc'] })
  }
  const dialler = await start({})
  const address = await addressOf(listener, kind)
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  return carriersOf({ kind, dialler, listener, address, stop })
}

export interface CarriersOf {
  readonly kind: PathKind
  readonly dialler: Libp2p
  readonly listener: Libp2p
  readonly address: Multiaddr
  stop(): Promise<void>
}

export async function carriersOf({ kind, dialler, listener, address, stop }: CarriersOf): Promise<Carriers> {
  const accepted: End[] = []
  const waiting: Array<(end: End) => void> = []
  const options = { runOnLimitedConnection: true, maxInboundStreams: 1_000, maxOutboundStreams: 1_000 }
  await listener.handle(
    SESSION_PROTOCOL,
    (stream, connection) => {
      // Until a path takes it, nobody listens: what comes meanwhile waits in the stream.
      const next = waiting.shift()
      if (next == null) accepted.push({ stream, connection })
      else next({ stream, connection })
    },
    options
  )
  const accept = (): Promise<End> => {
    const end = accepted.shift()
    return end == null ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(end)
  }
  let shared: Connection | undefined
  const dial = async (): Promise<Connection> => {
    // About one WebRTC dial in ten of libp2p's own gets no answer within its 6 s, whoever is listening.
    for (let attempt = kind === 'webrtc' ? 3 : 1; ; attempt--) {
      try {
        return await dialler.dial(address, { force: true })
      } catch (err) {
        if (attempt === 1) throw err
      }
    }
  }
  return {
    kind,
    stop,
    async open(carrier = 'shared') {
      if (carrier === 'shared' && shared?.status !== 'open') shared = await dial()
      const connection = carrier === 'shared' ? shared! : await dial()
      const stream = await connection.newStream(SESSION_PROTOCOL, options)
      return { dialler: { stream, connection }, listener: await accept() }
    }
  }
}

export async function addressOf(node: Libp2p, kind: PathKind): Promise<Multiaddr> {
  const names: Partial<Record<PathKind, string>> = { relayed: 'p2p-circuit', webrtc: 'webrtc' }
  const component = names[kind]
  const find = (): Multiaddr | undefined =>
    node.getMultiaddrs().find((addr) => {
      const has = (name: string): boolean => addr.getComponents().some((part) => part.name === name)
      return component == null || (has(component) && (component === 'webrtc' || !has('webrtc')))
    })
  await eventually(`an address for ${kind}`, () => find() != null)
  return multiaddr(find()!.toString())
}
