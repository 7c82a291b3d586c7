import {
  type HandshakeState,
  initiate,
  instanceName,
  MAX_PATHS,
  PeerIdentity,
  type Self,
  shake
} from '../../../../src/session/index.ts'
import type { Frame } from '../../../../src/wire/index.ts'
import { tagOf } from './content.ts'
import type { LinkWorld } from './link-world.ts'
import { SimCarrier } from './network.ts'
import { SimLink } from './sim-link.ts'

const HANDSHAKE_TIMEOUT_MS = 5_000
/** What a dial that nobody answers costs. */
const DIAL_TIMEOUT_MS = 6_000
const ICE_TIMEOUT_MS = 10_000
const WINDOW = 1_048_576

/** One process: identity, at most one link, and a peer. A crash makes a new one. */
export class SimNode {
  readonly side: 0 | 1
  readonly world: LinkWorld
  readonly self: Self
  readonly #identity = new PeerIdentity()
  link: SimLink | undefined
  #paths = 0
  #waiting: Array<{ readonly plannedAt: number; readonly run: (lateMs: number) => void }> = []
  #frozenUntil = 0
  #frozenSince: number | undefined
  #alive = true

  constructor(side: 0 | 1, world: LinkWorld) {
    this.side = side
    this.world = world
    this.self = { instance: world.rng.bytes(16), side, streamWindow: WINDOW, sessionWindow: 4 * WINDOW }
  }

  get now(): number {
    return this.world.queue.now
  }

  get peer(): SimNode {
    return this.world.nodes[1 - this.side]!
  }

  get isAlive(): boolean {
    return this.#alive
  }

  get isAwake(): boolean {
    return this.#alive && this.now >= this.#frozenUntil
  }

  /** In the future while it is frozen. */
  get awakeSince(): number {
    return this.#frozenUntil
  }

  freeze(ms: number): void {
    this.#frozenSince ??= this.now
    this.#frozenUntil = Math.max(this.#frozenUntil, this.now + ms)
    this.world.queue.at(this.#frozenUntil, () => this.#wake())
  }

  /** kill -9: nothing is said to anybody; the kernel closes what it can. */
  crash(): void {
    this.#alive = false
    for (const carrier of this.link?.carriers() ?? []) carrier.close(this.side, 'process died')
  }

  after(ms: number, run: (lateMs: number) => void): void {
    this.at(this.now + ms, run)
  }

  /** A frozen process runs its timers late. */
  at(time: number, run: (lateMs: number) => void): void {
    this.world.queue.at(time, () => this.#whenAwake(time, run))
  }

  #whenAwake(plannedAt: number, run: (lateMs: number) => void): void {
    if (!this.#alive) return
    if (this.now < this.#frozenUntil || this.#waiting.length > 0) this.#waiting.push({ plannedAt, run })
    else run(this.now - plannedAt)
  }

  /** What waited runs in the order it came. */
  #wake(): void {
    if (this.now < this.#frozenUntil) return
    const waiting = this.#waiting
    this.#waiting = []
    this.link?.onWoke(this.now - (this.#frozenSince ?? this.now))
    this.#frozenSince = undefined
    for (const { plannedAt, run } of waiting) {
      if (this.#alive) run(this.now - plannedAt)
    }
  }

  /** The application wants a link. */
  dial(): void {
    if (this.link == null) this.#open('relayed', () => {})
  }

  redial(link: SimLink): void {
    this.#dialFor(link, 'relayed', 'redialFailed')
  }

  upgrade(link: SimLink): void {
    this.#dialFor(link, 'webrtc', 'upgradeFailed')
  }

  renew(link: SimLink): void {
    this.#dialFor(link, 'relayed', 'renewFailed')
  }

  /** Whoever is put aside aborts its dials. */
  #dialFor(link: SimLink, kind: 'relayed' | 'webrtc', failure: 'redialFailed' | 'upgradeFailed' | 'renewFailed'): void {
    const { suspensions, abortedRedials } = link
    const isWanted = (): boolean =>
      link.suspensions === suspensions && (failure !== 'redialFailed' || link.abortedRedials === abortedRedials)
    const onFailure = (cause: string): void => {
      // Of an aborted redial nobody is told.
      if (!link.isClosed && (failure === 'upgradeFailed' || isWanted())) link.step({ type: failure, cause })
    }
    this.#open(kind, onFailure, isWanted)
  }

  onLinkEnd(link: SimLink, cause: string): void {
    if (this.link !== link) return
    this.world.trace(`side ${this.side} link ended: ${cause}`)
    this.link = undefined
    this.#identity.end()
  }

  #open(kind: 'relayed' | 'webrtc', onFailure: (cause: string) => void, isWanted = () => true): void {
    const { weather, rng, queue } = this.world
    const delayMs = rng.between(2, 60)
    const works = (): boolean =>
      weather.relayUp &&
      !weather.relaySilent &&
      (kind === 'relayed' || (weather.directPossible && !weather.directSilent))
    if (!works()) {
      const waitMs = kind === 'webrtc' ? ICE_TIMEOUT_MS : weather.relayUp ? DIAL_TIMEOUT_MS : delayMs
      this.after(waitMs, () => onFailure(`${kind} dial failed`))
      return
    }
    this.after(delayMs * (kind === 'webrtc' ? 6 : 4), () => {
      if (!isWanted()) {
        onFailure('aborted')
        return
      }
      const { peer } = this
      if (!works() || !peer.isAlive) {
        onFailure(`${kind} dial failed`)
        return
      }
      const carrier = new SimCarrier(kind, queue, weather, delayMs, (works) => this.world.onCircuitEnded(works))
      this.world.carriers.push(carrier)
      const id = this.#paths++ * 2 + this.side
      const { state, send } = initiate(this.self, id)
      let settled = false
      const settle = (cause?: string): void => {
        if (settled) return
        settled = true
        if (cause != null) onFailure(cause)
      }
      this.#shake(carrier, state, settle)
      peer.#shake(carrier, { role: 'responder', status: 'waiting' }, () => {})
      carrier.send(this.side, [send])
    })
  }

  /** As src/link/peer.ts does, on one end of a carrier. */
  #shake(carrier: SimCarrier, initial: HandshakeState, settle: (failure?: string) => void): void {
    let phase: { state: HandshakeState } | { link: SimLink; id: number } | 'over' = { state: initial }
    const refuse = (cause: string): void => {
      phase = 'over'
      carrier.close(this.side, cause)
      settle(cause)
    }
    const onFrame = (frame: Frame): void => {
      if (phase === 'over') return
      if ('link' in phase) {
        phase.link.onFrames(phase.id, [frame])
        return
      }
      const step = shake(phase.state, frame, this.self, this.#identity, this.link?.isHeard ?? false)
      if ('next' in step) {
        phase = { state: step.next }
        carrier.send(this.side, [step.send])
        return
      }
      const { verdict } = step
      if (verdict.action === 'refuse') {
        refuse(verdict.reason)
        return
      }
      if (verdict.action === 'endAndRefuse') {
        this.world.stats.superseded++
        this.link?.end(verdict.reason)
        refuse(verdict.reason)
        return
      }
      if (verdict.action === 'supersede') {
        this.world.stats.superseded++
        this.link?.end('superseded')
        this.#identity.begin(verdict.name)
      }
      if ((this.link?.pathCount ?? 0) >= MAX_PATHS) {
        refuse('too many paths')
        return
      }
      const { name } = verdict
      this.link ??= new SimLink(this, name, tagOf([instanceName(this.self.instance), name.peerInstance], name.epoch))
      if (step.send != null) carrier.send(this.side, [step.send])
      phase = { link: this.link, id: step.path }
      this.link.attach(step.path, carrier, step.peer)
      settle()
    }
    carrier.connect(this.side, {
      onFrames: (frames) =>
        this.at(this.now, () => {
          for (const frame of frames) onFrame(frame)
        }),
      onClosed: (cause) =>
        this.at(this.now, () => {
          if (phase === 'over') return
          if ('link' in phase) phase.link.onPathClosed(phase.id, cause)
          else settle(`closed during the handshake: ${cause}`)
          phase = 'over'
        })
    })
    this.after(HANDSHAKE_TIMEOUT_MS, () => {
      if (phase !== 'over' && 'state' in phase) refuse('handshake timed out')
    })
  }
}
