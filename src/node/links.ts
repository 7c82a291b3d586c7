import {
  type AbortOptions,
  type Connection,
  type PeerId,
  type PeerInfo,
  type PeerRouting,
  peerRoutingSymbol,
  type Startable,
  type Stream,
  serviceCapabilities
} from '@libp2p/interface'
import { PeerMap } from '@libp2p/peer-collections'
import { peerIdFromString } from '@libp2p/peer-id'
import { isMultiaddr, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { raceSignal } from 'race-signal'
import { compare as uint8ArrayCompare } from 'uint8arrays/compare'
import {
  Dialer,
  type Link,
  LinkClosedError,
  type LinkComponents,
  LinkRefusedError,
  LinkSupersededError,
  type Links,
  type LinksEvents,
  type LinksInit,
  NoRouteError,
  Peer,
  PeerLink,
  PeerRefusedProtocolError,
  peerIdOf,
  relayOf,
  TooManyLinksError,
  UpgradeForbiddenError
} from '../link/index.ts'
import { pathKind } from '../path/index.ts'
import { DEFAULT_SESSION_CONFIG, MAX_PATHS, type Self, type SessionConfig } from '../session/index.ts'
import { INSTANCE_ID_BYTES, SESSION_PROTOCOL } from '../wire/index.ts'
import { assertNoConnectionMonitor } from './connection-monitor.ts'
import { CONTROL_PROTOCOL, holdControlStream } from './control-stream.ts'
import { InvalidOptionError, validated } from './defaults.ts'
import { DurableSession } from './durable-session.ts'
import { type LinkDialing, provideLinks } from './link-transport.ts'
import { onNetworkChange } from './network.ts'
import { onPageLife } from './page-life.ts'
import { Reach } from './reach.ts'
import { parseRelays, Relays } from './relays.ts'
import { Reservations } from './reservations.ts'
import { SharedDials } from './shared-dials.ts'
import { guardSignalling, SIGNALLING_PROTOCOL } from './signalling.ts'
import { HOP_PROTOCOL, Speakers } from './speakers.ts'
import { fallBackToStock } from './stock-fallback.ts'

/** How long `stop` waits for handshakes that peers began: some round trips. */
const ACCEPTING_TIMEOUT_MS = 1_000

/** Peers whose identity is remembered beyond their links. */
const MAX_PEERS = 4_096

/** The `links` service: all links of one node. */
export class LinksService extends TypedEventEmitter<LinksEvents> implements Links, LinkDialing, PeerRouting, Startable {
  readonly [Symbol.toStringTag] = '@libp2p-holdfast/links'
  readonly [serviceCapabilities] = ['@libp2p-holdfast/links']
  readonly #components: LinkComponents
  readonly #init: LinksInit
  readonly #limits: ReturnType<typeof validated>
  readonly #sessionConfig: SessionConfig
  readonly #instance = crypto.getRandomValues(new Uint8Array(INSTANCE_ID_BYTES))
  readonly #log
  readonly #peers = new PeerMap<Peer>()
  readonly #speakers: Speakers
  readonly #relays: Relays
  readonly #dialer: Dialer
  readonly #reach: Reach
  readonly #dials: SharedDials<PeerLink>
  readonly #reservations: Reservations
  /** `relaying`: started, and a relay itself, so that there are no links. */
  #status: 'stopped' | 'started' | 'relaying' | 'stopping' = 'stopped'
  #stopListening: Array<() => void> = []
  /** Links that ended and whose carriers are still closing. */
  readonly #retiring = new Set<Promise<void>>()
  /** Peers whose restart was announced as `peer:disconnect`, and not yet as `peer:connect`. */
  readonly #superseded = new Set<string>()
  /** Handshakes that peers began. */
  readonly #accepting = new Set<Promise<unknown>>()

  constructor(components: LinkComponents, init: LinksInit) {
    super()
    this.#components = components
    this.#init = init
    this.#limits = validated(init)
    const { maxBufferedBytes } = this.#limits
    this.#sessionConfig = {
      ...DEFAULT_SESSION_CONFIG,
      sessionWindow: maxBufferedBytes,
      maxSendBuffer: maxBufferedBytes,
      streamWindow: Math.min(DEFAULT_SESSION_CONFIG.streamWindow, maxBufferedBytes),
      maxStreamSendBuffer: Math.min(DEFAULT_SESSION_CONFIG.maxStreamSendBuffer, maxBufferedBytes)
    }
    this.#log = components.logger.forComponent('libp2p:holdfast:links')
    this.#speakers = new Speakers(components.events)
    this.#relays = new Relays(components, parseRelays(init.relays ?? []))
    this.#dialer = new Dialer(components, init.rtcConfiguration, this.#log)
    this.#reach = new Reach({
      dialer: this.#dialer,
      relays: this.#relays,
      peerStore: components.peerStore,
      mayDialDirect: (peer) => this.#mayReveal(peer)
    })
    this.#dials = new SharedDials(this.#limits.dialTimeoutMs)
    this.#reservations = new Reservations(components, this.#log)
    provideLinks(components.events, this)
  }

  get [peerRoutingSymbol](): PeerRouting {
    return this
  }

  // Startable

  isStarted(): boolean {
    return this.#status === 'started' || this.#status === 'relaying'
  }

  async start(): Promise<void> {
    assertNoConnectionMonitor(this.#components)
    const { registrar, events } = this.#components
    await registrar.handle(SESSION_PROTOCOL, this.#onStream, {
      runOnLimitedConnection: true,
      maxInboundStreams: MAX_PATHS * 2,
      maxOutboundStreams: MAX_PATHS * 2
    })
    await registrar.handle(CONTROL_PROTOCOL, () => {}, { maxInboundStreams: 1, maxOutboundStreams: 1 })
    events.addEventListener('connection:open', this.#onConnection)
    events.addEventListener('peer:connect', this.#onPeerConnect)
    this.#speakers.start()
    this.#stopListening = [
      () => events.removeEventListener('connection:open', this.#onConnection),
      () => events.removeEventListener('peer:connect', this.#onPeerConnect),
      () => this.#speakers.stop(),
      onNetworkChange(() => {
        this.#reservations.afresh()
        for (const link of this.#live()) link.onNetworkChange()
      }),
      onPageLife({
        leave: () => {
          for (const link of this.#live()) link.leave(new LinkClosedError('The page was left'))
        },
        suspend: () => this.#suspend(),
        resume: () => this.#resume().catch((err) => this.#log.error('the page could not go on - %e', err))
      })
    ]
    this.#status = 'started'
  }

  /**
   * The WebRTC transport answers offers of anybody: our policy stands before it. Not as registrar middleware: libp2p 3.3
   * appends the handler to the registered array for each stream, and calls all of them.
   */
  async afterStart(): Promise<void> {
    const { registrar } = this.#components
    this.#reservations.start()
    const protocols = registrar.getProtocols()
    if (protocols.includes(HOP_PROTOCOL)) {
      this.#log('this node is a relay, and relays get no links: they would take the connections that circuits go over')
      this.#status = 'relaying'
      await registrar.unhandle(SESSION_PROTOCOL)
    }
    if (!protocols.includes(SIGNALLING_PROTOCOL)) return
    const { handler, options } = registrar.getHandler(SIGNALLING_PROTOCOL)
    const guarded = guardSignalling(handler, ({ remotePeer }) => {
      const reason = this.#neverUpgrade(remotePeer)
      return reason == null ? undefined : new UpgradeForbiddenError(reason)
    })
    await registrar.handle(SIGNALLING_PROTOCOL, guarded, { ...options, force: true })
  }

  /** Before libp2p closes its connections: everything sent is delivered first. */
  async beforeStop(): Promise<void> {
    if (this.#status !== 'started') return
    this.#status = 'stopping'
    this.#reservations.stop()
    this.#dials.abort(new LinkClosedError('The node is stopping'))
    // The peer may have its link already, and waits for our good-bye.
    await raceSignal(Promise.allSettled(this.#accepting), AbortSignal.timeout(ACCEPTING_TIMEOUT_MS)).catch(() => {})
    const results = await Promise.allSettled(this.#live().map((link) => link.close()))
    for (const result of results)
      if (result.status === 'rejected') this.#log.error('link not flushed - %e', result.reason)
    // A carrier that closes while libp2p's connection manager stops makes that wait for it in vain.
    await Promise.all(this.#retiring)
  }

  async stop(): Promise<void> {
    for (const stop of this.#stopListening) stop()
    this.#stopListening = []
    this.#reservations.stop()
    const { registrar } = this.#components
    await Promise.all([registrar.unhandle(SESSION_PROTOCOL), registrar.unhandle(CONTROL_PROTOCOL)])
    for (const link of this.#live()) link.abort(new LinkClosedError('The node was stopped'))
    this.#status = 'stopped'
  }

  /** Sockets and peer connections keep a page out of the back/forward cache: all are closed, streams wait. */
  #suspend(): void {
    this.#reservations.suspend()
    for (const link of this.#live()) link.suspend()
    const error = new Error('The page went into the back/forward cache')
    for (const connection of this.#components.connectionManager.getConnections()) {
      if (connection.multiplexer !== SESSION_PROTOCOL) connection.abort(error)
    }
  }

  async #resume(): Promise<void> {
    const mayResume = (await this.#init.mayResume?.()) ?? true
    this.#reservations.resume()
    for (const link of this.#live()) {
      if (mayResume) link.resume()
      else link.abort(new LinkClosedError('Another page of this browser is this peer now: reload this one'))
    }
  }

  // Links

  async dial(target: PeerId | Multiaddr, options?: AbortOptions): Promise<Link> {
    const { peer, address } = this.#target(target)
    return this.#dialPeer(peer, address, options)
  }

  get(peer: PeerId): PeerLink | undefined {
    return this.#peers.get(peer)?.link
  }

  all(): PeerLink[] {
    return this.#live()
  }

  // Dialling by the transport in front of the stock ones

  claims(address: Multiaddr): boolean {
    const id = peerIdOf(address)
    if (this.#status !== 'started' || id == null || id === this.#components.peerId.toString()) return false
    const peer = peerIdFromString(id)
    if (this.#isRelay(peer)) return false
    // Bare ones are ours for all peers: no other transport knows what to do with them.
    if (address.getComponents().length === 1) return true
    // Nobody else may answer for an address that would reveal what the policy keeps back.
    if (pathKind(address) === 'webrtc' && !this.#mayReveal(peer)) return true
    if (this.#speakers.refused(id)) return false
    return relayOf(address) != null || this.#speakers.speaks(id)
  }

  async dialConnection(address: Multiaddr, signal: AbortSignal): Promise<Connection> {
    const peer = peerIdFromString(peerIdOf(address)!)
    try {
      if (this.#speakers.refused(peer.toString())) {
        const carrier = await this.#reach.openCarrier(this.#peer(peer), signal)
        return await this.#fallBack(peer, carrier, address, signal)
      }
      const link = await this.#dialPeer(peer, address, { signal })
      return link.connection
    } catch (err) {
      if (!(err instanceof PeerRefusedProtocolError)) throw err
      return this.#fallBack(peer, err.carrier, address, signal)
    }
  }

  #fallBack(peer: PeerId, carrier: Connection, address: Multiaddr, signal: AbortSignal): Promise<Connection> {
    return fallBackToStock(
      carrier,
      address,
      async (signal) => {
        const reason = this.#neverUpgrade(peer)
        if (reason != null) throw new UpgradeForbiddenError(reason)
        return this.#dialer.dialWebRTCUnmarked(peer, carrier, { signal })
      },
      signal
    )
  }

  // PeerRouting: a PeerId alone is enough to be dialled

  async findPeer(peer: PeerId): Promise<PeerInfo> {
    const address = multiaddr(`/p2p/${peer}`)
    if (!this.claims(address)) throw new LinkRefusedError(`${peer} is not reached by links`)
    return { id: peer, multiaddrs: [address] }
  }

  async *getClosestPeers(): AsyncGenerator<PeerInfo> {}

  #live(): PeerLink[] {
    return [...this.#peers.values()].flatMap(({ link }) => link ?? [])
  }

  #target(target: PeerId | Multiaddr): { peer: PeerId; address?: Multiaddr } {
    if (!isMultiaddr(target)) return { peer: target }
    const id = peerIdOf(target)
    if (id == null) throw new InvalidOptionError(`${target} names no peer: it must end in /p2p/<PeerId>`)
    return { peer: peerIdFromString(id), address: target }
  }

  async #dialPeer(id: PeerId, address: Multiaddr | undefined, options?: AbortOptions): Promise<PeerLink> {
    if (this.#status === 'relaying')
      throw new LinkRefusedError('This node is a relay, and relays have no links: links() belongs on another node')
    if (this.#status !== 'started') throw new LinkClosedError('The node is not started: await node.start() first')
    if (this.#isRelay(id)) throw new LinkRefusedError(`${id} is a relay, and relays get no links: use node.dial`)
    if (id.equals(this.#components.peerId))
      throw new InvalidOptionError('This is the PeerId of this node: a node cannot dial itself')
    const peer = this.#peer(id)
    const known = peer.link == null ? undefined : await this.#reached(peer.link, options)
    if (known != null) return known
    if ((await this.#init.accept?.(id)) === false)
      throw new LinkRefusedError(`The accept policy of this node refuses ${id}`)
    return this.#dials.join(
      id.toString(),
      async (signal) => {
        this.#assertRoom()
        try {
          const link = await this.#reach.open(peer, address, signal)
          this.#speakers.onSpoke(id)
          return link
        } catch (err) {
          if (err instanceof PeerRefusedProtocolError) this.#speakers.onRefused(id)
          // The peer's own dial may have won meanwhile.
          if (peer.link != null) return peer.link.ready()
          throw err
        }
      },
      options
    )
  }

  /** The link with a path under it; undefined when it ended while we waited, as one does whose peer has restarted. */
  async #reached(link: PeerLink, options?: AbortOptions): Promise<PeerLink | undefined> {
    const { dialTimeoutMs } = this.#limits
    const timeout = AbortSignal.timeout(dialTimeoutMs)
    const signal = options?.signal == null ? timeout : AbortSignal.any([options.signal, timeout])
    try {
      return (await link.reachable({ signal })) ? link : undefined
    } catch (err) {
      if (!timeout.aborted) throw err
      const error = new Error(`no path came up within ${dialTimeoutMs} ms (dialTimeoutMs)`)
      throw new NoRouteError(link.remotePeer.toString(), [{ address: 'every way known', error }])
    }
  }

  #peer(id: PeerId): Peer {
    let peer = this.#peers.get(id)
    if (peer == null) {
      peer = new Peer(id, this.#self(id), {
        createLink: (peer) => this.#createLink(peer),
        isDialling: ({ id }) => this.#dials.has(id.toString()),
        handshakeTimeoutMs: this.#limits.handshakeTimeoutMs,
        log: this.#log
      })
      this.#peers.set(id, peer)
      this.#forgetSome()
    }
    return peer
  }

  #forgetSome(): void {
    if (this.#peers.size <= MAX_PEERS) return
    for (const [id, peer] of this.#peers) {
      if (peer.link != null) continue
      this.#peers.delete(id)
      return
    }
  }

  #self(peer: PeerId): Self {
    const { streamWindow, sessionWindow } = this.#sessionConfig
    return { instance: this.#instance, side: sideOf(this.#components.peerId, peer), streamWindow, sessionWindow }
  }

  #createLink(peer: Peer): PeerLink {
    this.#assertRoom()
    const { closeTimeoutMs } = this.#limits
    const direction = this.#dials.has(peer.id.toString()) ? 'outbound' : 'inbound'
    const link = new PeerLink({
      remotePeer: peer.id,
      side: peer.self.side,
      config: this.#limits,
      closeTimeoutMs,
      neverUpgrade: () => this.#neverUpgrade(peer.id),
      log: this.#components.logger.forComponent('libp2p:holdfast:link').newScope(peer.id.toString().slice(-8)),
      hooks: {
        upgrade: (link, via, signal) => this.#upgrade(peer, link, via.connection, signal),
        redial: async (_link, signal) => {
          await this.#reach.open(
            peer,
            undefined,
            AbortSignal.any([signal, AbortSignal.timeout(this.#limits.dialTimeoutMs)])
          )
        },
        onEnd: (link) => this.#onLinkEnd(peer, link)
      },
      createSession: (link) =>
        new DurableSession({
          remotePeer: peer.id,
          side: peer.self.side,
          config: this.#sessionConfig,
          direction,
          upgrader: this.#components.upgrader,
          listener: link,
          log: this.#components.logger.forComponent('libp2p:holdfast:session')
        })
    })
    link.addEventListener('link:state', ({ detail }) =>
      this.safeDispatchEvent('link:state', { detail: { link, ...detail } })
    )
    link.ready().then(
      () => this.#onLinkReady(link, direction),
      (err) => this.#log.error('durable connection with %p denied - %e', peer.id, err)
    )
    return link
  }

  #onLinkReady(link: PeerLink, direction: 'inbound' | 'outbound'): void {
    if (this.#superseded.delete(link.remotePeer.toString())) {
      this.#components.events.safeDispatchEvent('peer:connect', { detail: link.remotePeer })
    }
    this.safeDispatchEvent('link:open', { detail: link })
    if (direction === 'outbound') holdControlStream(link.connection, this.#log)
  }

  #onLinkEnd(peer: Peer, link: PeerLink): void {
    peer.onLinkEnd(link)
    this.#retiring.add(link.retired)
    void link.retired.then(() => this.#retiring.delete(link.retired))
    if (link.state.status === 'closed' && link.state.reason instanceof LinkSupersededError) this.#announceEnd(peer.id)
    this.safeDispatchEvent('link:close', { detail: link })
  }

  /**
   * The peer is another process now, and protocols that keep state per peer must hear of it. libp2p tells them when the
   * last connection closes; here the carrier of the next session is open already.
   */
  #announceEnd(peer: PeerId): void {
    if (this.#components.connectionManager.getConnections(peer).length === 0) return
    this.#superseded.add(peer.toString())
    this.#components.events.safeDispatchEvent('peer:disconnect', { detail: peer })
  }

  async #upgrade(peer: Peer, link: PeerLink, via: Connection, signal: AbortSignal): Promise<void> {
    // A policy that is a function may answer otherwise than when the link came up.
    const reason = this.#neverUpgrade(peer.id)
    if (reason != null) throw new UpgradeForbiddenError(reason)
    const carrier = await this.#dialer.dialWebRTC(peer.id, via, { signal })
    try {
      signal.throwIfAborted()
      const attached = await peer.openPath(carrier, { signal })
      if (attached !== link) throw new LinkClosedError('Another session took over meanwhile')
    } catch (err) {
      carrier.abort(err as Error)
      throw err
    }
  }

  /** Whether policy allows to show this peer our IP address. */
  #mayReveal(peer: PeerId): boolean {
    const { upgrade = 'auto' } = this.#init
    return typeof upgrade === 'function' ? upgrade(peer) : upgrade === 'auto'
  }

  #neverUpgrade(peer: PeerId): string | undefined {
    if (!this.#mayReveal(peer)) return 'the upgrade policy of this node forbids it: it would reveal IP addresses'
    if (!hasWebRTC()) return 'this runtime has no WebRTC'
    return undefined
  }

  #isRelay(peer: PeerId): boolean {
    return this.#relays.includes(peer) || this.#speakers.isRelay(peer.toString())
  }

  #assertRoom(): void {
    const { maxLinks } = this.#limits
    if (this.#live().length >= maxLinks) throw new TooManyLinksError(maxLinks)
  }

  readonly #onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const { remotePeer } = connection
    try {
      if (this.#status !== 'started') throw new LinkRefusedError('This node is stopping')
      if (this.#isRelay(remotePeer)) throw new LinkRefusedError('Relays get no links')
      const peer = this.#peer(remotePeer)
      if (peer.link == null && (await this.#init.accept?.(remotePeer)) === false) {
        throw new LinkRefusedError(`The accept policy of this node refuses ${remotePeer}`)
      }
      // Before the handshake: once the peer has confirmed, it has its link and would look for the path again and again.
      if (peer.link == null) this.#assertRoom()
      const accepting = peer.acceptPath(stream, connection)
      this.#accepting.add(accepting)
      await accepting.finally(() => this.#accepting.delete(accepting))
      this.#speakers.onSpoke(remotePeer)
    } catch (err) {
      this.#log('path of %p refused - %e', remotePeer, err)
      stream.abort(err as Error)
    }
  }

  readonly #onPeerConnect = ({ detail: peer }: CustomEvent<PeerId>): void => {
    this.#superseded.delete(peer.toString())
  }

  /** Inbound carriers of linked peers: stock code must not open streams on them. */
  readonly #onConnection = ({ detail: connection }: CustomEvent<Connection>): void => {
    if (connection.multiplexer === SESSION_PROTOCOL) return
    if (this.#peers.get(connection.remotePeer)?.link != null) connection.limits ??= {}
  }
}

/** Compared as bytes, so that every language orders them alike. */
function sideOf(self: PeerId, peer: PeerId): 0 | 1 {
  return uint8ArrayCompare(self.toMultihash().bytes, peer.toMultihash().bytes) < 0 ? 0 : 1
}

function hasWebRTC(): boolean {
  return typeof globalThis.RTCPeerConnection === 'function' || globalThis.process?.versions?.node != null
}

/**
 * The service factory: `services: { links: links() }`. Put `linkTransport()` beside it.
 *
 * @throws {InvalidOptionError} an option cannot be used; libp2p throws it when it makes the service
 * @throws {ConnectionMonitorError} libp2p's connection monitor is not off; thrown by `node.start()`
 */
export function links(init: LinksInit = {}): (components: LinkComponents) => LinksService {
  return (components) => new LinksService(components, init)
}
