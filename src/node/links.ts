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
import { peerIdFromString } from '@libp2p/peer-id'
import { isMultiaddr, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { raceSignal } from 'race-signal'
import {
  Dialer,
  type Link,
  LinkClosedError,
  type LinkComponents,
  LinkRefusedError,
  type Links,
  type LinksEvents,
  type LinksInit,
  NoRouteError,
  Peer,
  type PeerLink,
  PeerRefusedProtocolError,
  peerIdOf,
  type ReservationInfo,
  UpgradeForbiddenError
} from '../link/index.ts'
import { MAX_PATHS } from '../session/index.ts'
import { SESSION_PROTOCOL } from '../wire/index.ts'
import { tellWhenClosed } from './closed-peer-connections.ts'
import { assertNoConnectionMonitor } from './connection-monitor.ts'
import { CONTROL_PROTOCOL, holdControlStream } from './control-stream.ts'
import { InvalidOptionError, validated } from './defaults.ts'
import { LinkMaker } from './link-maker.ts'
import { provideLinks } from './link-transport.ts'
import { onNetworkChange } from './network.ts'
import { NodeDials } from './node-dials.ts'
import { Offenders } from './offenders.ts'
import { onPageLife } from './page-life.ts'
import { Peers } from './peers.ts'
import { Policy } from './policy.ts'
import { Reach } from './reach.ts'
import { refuseCarriers } from './refuse-carriers.ts'
import { RelayLimits } from './relay-limits.ts'
import { RelayTurns } from './relay-turns.ts'
import { parseRelays, Relays } from './relays.ts'
import { Renewals } from './renewals.ts'
import { Reservations } from './reservations.ts'
import { SharedDials } from './shared-dials.ts'
import { guardSignalling, SIGNALLING_PROTOCOL } from './signalling.ts'
import { HOP_PROTOCOL, Speakers } from './speakers.ts'
import { Successions } from './successions.ts'

/** How long `stop` waits for handshakes that peers began: some round trips. */
const ACCEPTING_TIMEOUT_MS = 1_000

/** The `links` service: all links of one node. */
export class LinksService extends TypedEventEmitter<LinksEvents> implements Links, PeerRouting, Startable {
  readonly [Symbol.toStringTag] = '@libp2p-holdfast/links'
  readonly [serviceCapabilities] = ['@libp2p-holdfast/links']
  readonly #components: LinkComponents
  readonly #init: LinksInit
  readonly #limits: ReturnType<typeof validated>
  readonly #log
  readonly #policy: Policy
  readonly #offenders = new Offenders()
  readonly #peers: Peers
  readonly #successions: Successions
  readonly #speakers: Speakers
  readonly #relays: Relays
  readonly #relayLimits: RelayLimits
  readonly #dialer: Dialer
  readonly #maker: LinkMaker
  readonly #reach: Reach
  readonly #dials: SharedDials<PeerLink>
  readonly #reservations: Reservations
  readonly #nodeDials: NodeDials
  /** `relaying`: started, and a relay itself, so that there are no links. */
  #status: 'stopped' | 'started' | 'relaying' | 'stopping' = 'stopped'
  #stopListening: Array<() => void> = []
  /** Links that ended and whose carriers are still closing. */
  readonly #retiring = new Set<Promise<void>>()
  /** Handshakes that peers began. */
  readonly #accepting = new Set<Promise<unknown>>()

  constructor(components: LinkComponents, init: LinksInit) {
    super()
    this.#components = components
    this.#init = init
    this.#limits = validated(init)
    this.#log = components.logger.forComponent('libp2p:holdfast:links')
    this.#policy = new Policy(init)
    this.#peers = new Peers(this.#limits.maxLinks, (id) => this.#createPeer(id))
    this.#successions = new Successions(components)
    this.#speakers = new Speakers(components.events)
    this.#relays = new Relays(components, parseRelays(init.relays ?? []))
    this.#dialer = new Dialer(components, init.rtcConfiguration, this.#log)
    const turns = new RelayTurns()
    this.#reach = new Reach({
      dialer: this.#dialer,
      relays: this.#relays,
      peerStore: components.peerStore,
      turns,
      mayDialDirect: (peer) => this.#policy.mayReveal(peer)
    })
    const { peerStore, connectionManager } = components
    this.#relayLimits = new RelayLimits({ peerStore, connectionManager, log: this.#log })
    this.#maker = new LinkMaker({
      components,
      limits: this.#limits,
      policy: this.#policy,
      dialer: this.#dialer,
      reach: this.#reach,
      renewals: new Renewals({ relays: this.#relays, reach: this.#reach, turns }),
      relayLimits: this.#relayLimits
    })
    this.#dials = new SharedDials(this.#limits.dialTimeoutMs)
    this.#reservations = new Reservations({
      components,
      relays: this.#relays,
      count: init.reservations ?? 0,
      log: this.#log,
      onOpen: (detail) => this.safeDispatchEvent('reservation:open', { detail }),
      onLost: (detail) => this.safeDispatchEvent('reservation:lost', { detail })
    })
    this.#nodeDials = new NodeDials({
      self: components.peerId,
      policy: this.#policy,
      speakers: this.#speakers,
      peers: this.#peers,
      reach: this.#reach,
      dialer: this.#dialer,
      isStarted: () => this.#status === 'started',
      isRelay: (peer) => this.#isRelay(peer),
      dial: (peer, address, signal) => this.#dialPeer(peer, address, { signal })
    })
    refuseCarriers(components, (peer) => this.#offenders.isRefused(peer))
    provideLinks(components.events, this.#nodeDials)
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
    await this.#relayLimits.load()
    events.addEventListener('connection:open', this.#onConnection)
    this.#successions.start()
    this.#speakers.start()
    this.#stopListening = [
      () => events.removeEventListener('connection:open', this.#onConnection),
      () => this.#successions.stop(),
      () => this.#speakers.stop(),
      onNetworkChange(() => {
        this.#reservations.afresh()
        for (const link of this.all()) link.onNetworkChange()
      }),
      onPageLife({
        leave: () => {
          for (const link of this.all()) link.leave(new LinkClosedError('The page was left'))
        },
        suspend: () => this.#suspend(),
        resume: () => this.#resume().catch((err) => this.#log.error('the page could not go on - %e', err))
      })
    ]
    this.#status = 'started'
  }

  async afterStart(): Promise<void> {
    await Promise.all([this.#reservations.start(), this.#takeOver()])
  }

  /**
   * The WebRTC transport answers offers of anybody: our policy stands before it. Not as registrar middleware: libp2p 3.3
   * appends the handler to the registered array for each stream, and calls all of them.
   */
  async #takeOver(): Promise<void> {
    const { registrar } = this.#components
    const protocols = registrar.getProtocols()
    if (protocols.includes(HOP_PROTOCOL)) {
      this.#log('this node is a relay, and relays get no links: they would take the connections that circuits go over')
      this.#status = 'relaying'
      await registrar.unhandle(SESSION_PROTOCOL)
    }
    if (!protocols.includes(SIGNALLING_PROTOCOL)) return
    if (this.#policy.isNever) {
      // Peers learn at once that there is nothing to try, and stop trying.
      await registrar.unhandle(SIGNALLING_PROTOCOL)
      return
    }
    const { handler, options } = registrar.getHandler(SIGNALLING_PROTOCOL)
    const guarded = guardSignalling(handler, ({ remotePeer }) => {
      const reason = this.#policy.neverUpgrade(remotePeer)
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
    const results = await Promise.allSettled(this.all().map((link) => link.close()))
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
    for (const link of this.all()) link.abort(new LinkClosedError('The node was stopped'))
    this.#status = 'stopped'
  }

  /** Sockets and peer connections keep a page out of the back/forward cache: all are closed, streams wait. */
  #suspend(): void {
    this.#reservations.suspend()
    for (const link of this.all()) link.suspend()
    const error = new Error('The page went into the back/forward cache')
    for (const connection of this.#components.connectionManager.getConnections()) {
      if (connection.multiplexer !== SESSION_PROTOCOL) connection.abort(error)
    }
  }

  async #resume(): Promise<void> {
    const mayResume = (await this.#init.mayResume?.()) ?? true
    this.#reservations.resume()
    for (const link of this.all()) {
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
    return this.#peers.link(peer)
  }

  all(): PeerLink[] {
    return this.#peers.links()
  }

  get reservations(): ReservationInfo[] {
    return this.#reservations.infos
  }

  // PeerRouting: a PeerId alone is enough to be dialled

  async findPeer(peer: PeerId): Promise<PeerInfo> {
    const address = multiaddr(`/p2p/${peer}`)
    if (!this.#nodeDials.claims(address)) throw new LinkRefusedError(`${peer} is not reached by links`)
    return { id: peer, multiaddrs: [address] }
  }

  async *getClosestPeers(): AsyncGenerator<PeerInfo> {}

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
    const peer = this.#peers.of(id)
    const known = peer.link == null ? undefined : await this.#reached(peer.link, options)
    if (known != null) return known
    await this.#policy.assertAccepts(id)
    return this.#dials.join(
      id.toString(),
      async (signal) => {
        this.#peers.assertRoom()
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

  #createPeer(id: PeerId): Peer {
    return new Peer(id, this.#maker.self(id), {
      createLink: (peer) => this.#createLink(peer),
      isDialling: ({ id }) => this.#dials.has(id.toString()),
      onOffence: ({ id }, error) => {
        const refusedMs = this.#offenders.add(id)
        if (refusedMs > 0)
          this.#log('%p broke the protocol, its carriers are refused for %d ms - %e', id, refusedMs, error)
      },
      observedLimits: (carrier) => this.#relayLimits.of(carrier),
      handshakeTimeoutMs: this.#limits.handshakeTimeoutMs,
      log: this.#log
    })
  }

  #createLink(peer: Peer): PeerLink {
    this.#peers.assertRoom()
    this.#successions.onBegin(peer.id)
    const direction = this.#dials.has(peer.id.toString()) ? 'outbound' : 'inbound'
    const link = this.#maker.make(peer, direction, (link) => this.#onLinkEnd(peer, link))
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
    this.#successions.onReady(link)
    this.safeDispatchEvent('link:open', { detail: link })
    if (direction === 'outbound') holdControlStream(link.connection, this.#log)
  }

  #onLinkEnd(peer: Peer, link: PeerLink): void {
    peer.onLinkEnd(link)
    this.#retiring.add(link.retired)
    void link.retired.then(() => this.#retiring.delete(link.retired))
    this.#successions.onEnd(link)
    this.safeDispatchEvent('link:close', { detail: link })
  }

  #isRelay(peer: PeerId): boolean {
    return this.#relays.includes(peer) || this.#speakers.isRelay(peer.toString())
  }

  readonly #onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const { remotePeer } = connection
    try {
      // What a link still has to deliver when the node stops goes over the path that its peer brings.
      if (this.#status !== 'started' && this.#peers.link(remotePeer) == null)
        throw new LinkRefusedError('This node is stopping')
      if (this.#isRelay(remotePeer)) throw new LinkRefusedError('Relays get no links')
      if (this.#offenders.isRefused(remotePeer)) throw new LinkRefusedError('The peer broke the protocol a moment ago')
      const peer = this.#peers.of(remotePeer)
      if (peer.link == null) await this.#policy.assertAccepts(remotePeer)
      // Before the handshake: once the peer has confirmed, it has its link and would look for the path again and again.
      if (peer.link == null) this.#peers.assertRoom()
      const accepting = peer.acceptPath(stream, connection)
      this.#accepting.add(accepting)
      await accepting.finally(() => this.#accepting.delete(accepting))
      this.#speakers.onSpoke(remotePeer)
    } catch (err) {
      this.#log('path of %p refused - %e', remotePeer, err)
      stream.abort(err as Error)
    }
  }

  /** Inbound carriers of linked peers: stock code must not open streams on them. */
  readonly #onConnection = ({ detail: connection }: CustomEvent<Connection>): void => {
    tellWhenClosed(connection)
    if (connection.multiplexer === SESSION_PROTOCOL) return
    if (this.#peers.link(connection.remotePeer) != null) connection.limits ??= {}
  }
}

/**
 * The service factory: `services: { links: links() }`. Put `linkTransport()` beside it.
 *
 * Peers that broke the protocol are refused for a while before they are asked for anything: the node's connection gater,
 * your own included, is asked for their inbound connections only after that.
 *
 * @throws {InvalidOptionError} an option cannot be used; libp2p throws it when it makes the service
 * @throws {ConnectionMonitorError} libp2p's connection monitor is not off; thrown by `node.start()`
 */
export function links(init: LinksInit = {}): (components: LinkComponents) => LinksService {
  return (components) => new LinksService(components, init)
}
