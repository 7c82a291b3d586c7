import { noise } from '@chainsafe/libp2p-noise'
import { type Identify, identify } from '@libp2p/identify'
import type { ConnectionEncrypter, Libp2p, ServiceMap, Transport } from '@libp2p/interface'
import { type Ping, ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pOptions, type ServiceFactoryMap } from 'libp2p'
import type { LinksInit } from '../link/index.ts'
import { carrierMuxer } from './carrier-muxer.ts'
import { closingWebSockets } from './closing-websockets.ts'
import { InvalidOptionError, validated } from './defaults.ts'
import { linkTransport } from './link-transport.ts'
import { type LinksService, links } from './links.ts'
import { Policy } from './policy.ts'
import { relayTransport } from './relay-transport.ts'
import { parseRelays } from './relays.ts'
import { webRTCTransport } from './webrtc-transport.ts'

/** What the page this node runs in is, and says. In Node.js nothing is kept. */
export interface PageInfo {
  /** Who this page is, and whether it is the same peer after a reload. */
  readonly identity: {
    /** Whether the next page load of this tab has the same PeerId. */
    readonly kept: boolean
    /** In words, for people, where there is something to say: another tab uses the first identity, nothing can be kept. */
    readonly note?: string
  }
}

/** What every node of the preset offers at `node.services`. */
export interface NodeServices {
  /** Who this page is, and whether it is the same peer after a reload. */
  readonly page: PageInfo
  /** All links of the node. */
  readonly links: LinksService
  /** libp2p's own: who the peer is, what it speaks. */
  readonly identify: Identify
  /** libp2p's own: answers pings, and sends them. */
  readonly ping: Ping
}

/** A libp2p node with `services.links`, and the services asked for. */
export type HoldfastNode<T extends ServiceMap = ServiceMap> = Libp2p<NodeServices & T>

/** Options of `createNode()`, beside those of `links()`. */
export interface CreateNodeInit<T extends ServiceMap = ServiceMap> extends LinksInit {
  /**
   * Relays this node dials others through, and is reachable through (as many of them as `reservations` says): the multiaddrs
   * they print, up to `/p2p/<relay>`. Without any, the node can only dial addresses. It starts as soon as one of them took it
   * in.
   *
   * @default []
   */
  relays?: Array<string | Multiaddr>

  /**
   * STUN servers as `stun:host:port`, for direct paths across NATs. Your own relay answers STUN as well; no third party's
   * server is contacted unless named here.
   *
   * @default []
   */
  stunServers?: string[]

  /**
   * In browsers, who this page is. `kept`: the key pair stays in IndexedDB, under this origin, so that a reload is the same
   * peer; a second tab gets an identity of its own, and `node.services.page.identity.note` says so. `ephemeral`: a new PeerId
   * with every page load. An object names one of several kept identities. Whatever runs on the origin can read the key. A
   * `libp2p.privateKey` replaces all of it.
   *
   * In Node.js the default, and only choice, is `ephemeral`: keep a key yourself and give it as `libp2p.privateKey`.
   *
   * @default 'kept' in browsers
   */
  identity?: 'kept' | 'ephemeral' | { readonly name: string }

  /** Further services, as for `createLibp2p`. @default {} */
  services?: ServiceFactoryMap<T>

  /** Further addresses to listen on, beside the relays. @default [] */
  listen?: string[]

  /** Whether the node is started before it is handed out. @default true */
  start?: boolean

  /**
   * Anything else `createLibp2p` takes; what is set here replaces the preset's choice, transports and services excepted.
   *
   * @default {}
   */
  libp2p?: Omit<Libp2pOptions, 'services' | 'start'>
}

/**
 * Connections a link counts as for libp2p: two carriers and the durable one. The preset raises libp2p's own default of
 * 300 by it.
 */
const CONNECTIONS_PER_LINK = 3
const LIBP2P_MAX_CONNECTIONS = 300

/** libp2p counts a relay's address for everybody behind it; 5 per second would refuse the sixth peer. */
const INBOUND_CONNECTIONS_PER_SECOND = 1_000

/** Negotiations on durable connections wait through an outage instead of failing in the middle of it. */
const NEGOTIATION_SLACK_MS = 30_000

/** Time for a link to flush when libp2p closes its connection. */
const CONNECTION_CLOSE_TIMEOUT_MS = 10_000

/**
 * A libp2p node whose connections outlive their paths. Both presets, for browsers and for Node, are this with other
 * transports.
 *
 * @throws {InvalidOptionError} an option cannot be used; the message says which, and what it may be
 * @throws {RelayUnreachableError} no relay took this node in
 */
export async function assemble<T extends ServiceMap>(
  init: CreateNodeInit<T>,
  transports: Array<(components: never) => Transport>,
  page: PageInfo & Pick<LinksInit, 'mayResume'> = { identity: { kept: false } }
): Promise<HoldfastNode<T>> {
  const limits = validated(init)
  const { reservations } = limits
  const relays = parseRelays(init.relays ?? [])
  const rtcConfiguration = init.rtcConfiguration ?? { iceServers: iceServers(init.stunServers ?? []) }
  const {
    relays: _,
    reservations: ____,
    stunServers: __,
    identity: ___,
    services,
    listen = [],
    start = true,
    libp2p = {},
    ...linksInit
  } = init
  const policy = new Policy(init)
  const negotiationTimeoutMs = limits.resumeWindowMs + NEGOTIATION_SLACK_MS
  const node = await createLibp2p<NodeServices & T>({
    ...libp2p,
    start: false,
    addresses: {
      ...libp2p.addresses,
      listen: [...listen, ...(relays.length > 0 && !policy.isNever ? ['/webrtc'] : [])]
    },
    transports: [
      linkTransport(),
      ...transports,
      closingWebSockets(),
      relayTransport(),
      webRTCTransport(rtcConfiguration),
      ...(libp2p.transports ?? [])
    ] as Libp2pOptions['transports'],
    connectionEncrypters: libp2p.connectionEncrypters ?? [noise() as (components: unknown) => ConnectionEncrypter],
    streamMuxers: libp2p.streamMuxers ?? [carrierMuxer],
    // Relays and peers are named by the application; browsers' default gater would deny those on private addresses.
    connectionGater: libp2p.connectionGater ?? { denyDialMultiaddr: () => false },
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: LIBP2P_MAX_CONNECTIONS * CONNECTIONS_PER_LINK,
      inboundConnectionThreshold: INBOUND_CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: INBOUND_CONNECTIONS_PER_SECOND,
      dialTimeout: limits.dialTimeoutMs + 1_000,
      addressDialTimeout: limits.dialTimeoutMs + 500,
      inboundStreamProtocolNegotiationTimeout: negotiationTimeoutMs,
      outboundStreamProtocolNegotiationTimeout: negotiationTimeoutMs,
      connectionCloseTimeout: CONNECTION_CLOSE_TIMEOUT_MS,
      ...libp2p.connectionManager
    },
    services: {
      identify: identify(),
      ping: ping(),
      links: links({ mayResume: page.mayResume, ...linksInit, relays, reservations, rtcConfiguration }),
      page: () => ({ identity: page.identity }),
      ...services
    } as unknown as ServiceFactoryMap<NodeServices & T>
  })
  if (start) await node.start()
  return node as HoldfastNode<T>
}

function iceServers(urls: readonly string[]): RTCIceServer[] {
  for (const url of urls) {
    if (!/^stuns?:[^/]/.test(url)) {
      throw new InvalidOptionError(
        `STUN server ${JSON.stringify(url)} must look like stun:host:port; TURN goes into rtcConfiguration`
      )
    }
  }
  return urls.length === 0 ? [] : [{ urls: [...urls] }]
}
