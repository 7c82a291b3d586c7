import type { AbortOptions, Connection, Logger, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { raceSignal } from 'race-signal'
import { type ObservedLimits, type PathHandler, SessionPath } from '../path/index.ts'
import {
  type HandshakeState,
  type HandshakeStep,
  initiate,
  MAX_PATHS,
  PeerIdentity,
  type Self,
  type SessionName,
  shake
} from '../session/index.ts'
import { type Frame, SESSION_PROTOCOL } from '../wire/index.ts'
import { Carrier } from './carrier.ts'
import { LinkRefusedError, PeerRefusedProtocolError } from './errors.ts'
import type { PeerLink } from './link.ts'
import { isOffence, TooManySessionsError } from './offence.ts'

/** New sessions one peer may begin: reloads and short visits in quick succession are people, hundreds are an attack. */
const MAX_NEW_SESSIONS = 100
const NEW_SESSIONS_WINDOW_MS = 10_000

/** What a peer's record asks of its surroundings. */
export interface PeerHooks {
  /** A new session begins with this name. @throws {TooManyLinksError} */
  createLink(peer: Peer): PeerLink
  /** Whether this side is dialling the peer: then a new session is its own wish, whoever's path comes first. */
  isDialling(peer: Peer): boolean
  /** The peer broke the protocol: its path is over, and the carrier of that. */
  onOffence(peer: Peer, error: Error): void
  /** What is known of the relay this carrier goes through. */
  observedLimits(carrier: Connection): ObservedLimits | undefined
  readonly handshakeTimeoutMs: number
  readonly log: Logger
}

type Phase =
  | { readonly status: 'shaking'; state: HandshakeState }
  | { readonly status: 'attached'; readonly link: PeerLink; readonly id: number }
  | { readonly status: 'over' }

/** Everything this process knows of one remote peer; outlives its links, because identity does. */
export class Peer {
  readonly id: PeerId
  readonly self: Self
  readonly identity = new PeerIdentity()
  link: PeerLink | undefined
  /** The address without a relay by which we reached it last: the first to try again. */
  directAddress: Multiaddr | undefined
  readonly #hooks: PeerHooks
  #pathCounter = 0
  #newSessions: number[] = []

  constructor(id: PeerId, self: Self, hooks: PeerHooks) {
    this.id = id
    this.self = self
    this.#hooks = hooks
  }

  /**
   * Open a path on this carrier and attach it to the peer's link, a new one if there is none.
   *
   * @throws {PeerRefusedProtocolError} the peer does not speak the protocol
   * @throws {LinkRefusedError} the peer, or the identity rules, turned the path away
   */
  async openPath(connection: Connection, options?: AbortOptions): Promise<PeerLink> {
    const stream = await this.#openStream(connection, options)
    const id = this.#pathCounter++ * 2 + this.self.side
    const { state, send } = initiate(this.self, id)
    const shaking = new Shaking(this, this.#hooks, connection, stream, state)
    shaking.path.write([send])
    return shaking.attached(options)
  }

  /** The peer opened a path. Resolves when it is attached. */
  async acceptPath(stream: Stream, connection: Connection, options?: AbortOptions): Promise<PeerLink> {
    const shaking = new Shaking(this, this.#hooks, connection, stream, { role: 'responder', status: 'waiting' })
    return shaking.attached(options)
  }

  /** @throws {LinkRefusedError} too many in too short a time @throws {TooManyLinksError} */
  beginLink(name: SessionName): PeerLink {
    this.identity.begin(name)
    try {
      if (!this.#hooks.isDialling(this)) this.#checkNewSessions()
      this.link = this.#hooks.createLink(this)
      return this.link
    } catch (err) {
      this.identity.end()
      throw err
    }
  }

  /** Called by whoever ends a link: its session name is spent. */
  onLinkEnd(link: PeerLink): void {
    if (this.link !== link) return
    this.link = undefined
    this.identity.end()
  }

  #checkNewSessions(): void {
    const now = Date.now()
    this.#newSessions = this.#newSessions.filter((at) => now - at < NEW_SESSIONS_WINDOW_MS)
    if (this.#newSessions.length >= MAX_NEW_SESSIONS) {
      throw new TooManySessionsError(`The peer began ${MAX_NEW_SESSIONS} sessions within ${NEW_SESSIONS_WINDOW_MS} ms`)
    }
    this.#newSessions.push(now)
  }

  async #openStream(connection: Connection, options?: AbortOptions): Promise<Stream> {
    try {
      return await connection.newStream(SESSION_PROTOCOL, {
        signal: options?.signal,
        runOnLimitedConnection: true,
        maxOutboundStreams: MAX_PATHS * 2
      })
    } catch (err) {
      if ((err as Error).name !== 'UnsupportedProtocolError') throw err
      throw new PeerRefusedProtocolError(this.id.toString(), connection, { cause: err })
    }
  }
}

/** One path from its first byte until a link takes it; afterwards it passes everything on to that link. */
class Shaking implements PathHandler {
  readonly path: SessionPath
  readonly #peer: Peer
  readonly #hooks: PeerHooks
  readonly #carrier: Carrier
  #phase: Phase
  readonly #outcome = Promise.withResolvers<PeerLink>()

  constructor(peer: Peer, hooks: PeerHooks, connection: Connection, stream: Stream, state: HandshakeState) {
    this.#peer = peer
    this.#hooks = hooks
    this.#carrier = new Carrier(connection)
    this.#phase = { status: 'shaking', state }
    const observed = hooks.observedLimits(connection)
    this.path = new SessionPath({ stream, connection, handler: this, observed })
    this.#outcome.promise.catch(() => {})
  }

  async attached(options?: AbortOptions): Promise<PeerLink> {
    const timeout = AbortSignal.timeout(this.#hooks.handshakeTimeoutMs)
    const signal = options?.signal == null ? timeout : AbortSignal.any([timeout, options.signal])
    try {
      const link = await raceSignal(this.#outcome.promise, signal)
      return await link.ready()
    } catch (err) {
      if (this.#phase.status === 'shaking') this.#refuse(err as Error)
      throw err
    }
  }

  onFrames(path: SessionPath, frames: Frame[]): void {
    let at = 0
    try {
      while (this.#phase.status === 'shaking' && at < frames.length) this.#shake(this.#phase, frames[at++]!)
    } catch (err) {
      this.#refuse(err as Error)
    }
    if (this.#phase.status === 'attached' && at < frames.length) {
      this.#phase.link.onFrames(path, at === 0 ? frames : frames.slice(at))
    }
  }

  onWritable(path: SessionPath): void {
    if (this.#phase.status === 'attached') this.#phase.link.onWritable(path)
  }

  onClosed(_path: SessionPath, error?: Error): void {
    const phase = this.#phase
    this.#phase = { status: 'over' }
    if (phase.status === 'attached') phase.link.onPathClosed(phase.id, error)
    else {
      this.#outcome.reject(
        new LinkRefusedError(
          `The peer closed the path during the handshake${error == null ? '' : `: ${error.message}`}`,
          {
            cause: error
          }
        )
      )
    }
    if (error == null || !isOffence(error)) return
    // A peer that reconnects without closing what it had would take the room of others.
    this.#carrier.abort(error)
    this.#hooks.onOffence(this.#peer, error)
  }

  #shake(phase: Extract<Phase, { status: 'shaking' }>, frame: Frame): void {
    const { self, identity, link } = this.#peer
    const step: HandshakeStep = shake(phase.state, frame, self, identity, link?.isHeard ?? false)
    if ('next' in step) {
      this.path.write([step.send])
      phase.state = step.next
      return
    }
    const { verdict } = step
    switch (verdict.action) {
      case 'attach':
        this.#attach(step, link ?? this.#peer.beginLink(verdict.name))
        return
      case 'supersede':
        link?.supersede('the peer began a new session')
        this.#attach(step, this.#peer.beginLink(verdict.name))
        return
      case 'endAndRefuse':
        link?.supersede(verdict.reason)
        throw new LinkRefusedError(`Path refused: ${verdict.reason}`)
      case 'refuse':
        throw new LinkRefusedError(`Path refused: ${verdict.reason}`)
    }
  }

  #attach({ path: id, peer, send }: Extract<HandshakeStep, { verdict: unknown }>, link: PeerLink): void {
    if (link.pathCount >= MAX_PATHS) throw new LinkRefusedError(`A link has at most ${MAX_PATHS} paths`)
    this.#phase = { status: 'attached', link, id }
    if (send != null) this.path.write([send])
    link.attach(id, this.path, this.#carrier, peer)
    this.#outcome.resolve(link)
  }

  #refuse(error: Error): void {
    this.#phase = { status: 'over' }
    this.#hooks.log('path refused - %e', error)
    this.path.abort(error)
    this.#outcome.reject(error)
  }
}
