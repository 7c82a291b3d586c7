import {
  type HandshakeState,
  initiate,
  PeerIdentity,
  type Self,
  Session,
  type SessionConfig,
  type SessionEffect,
  type SessionName,
  shake
} from '../../../src/session/index.ts'
import type { Frame, HelloFrame } from '../../../src/wire/index.ts'
import { isCounted } from '../../support/counted.ts'
import { App } from './app.ts'
import { SessionChecks } from './checks.ts'
import { fail } from './fail.ts'
import type { Ledger } from './ledger.ts'
import { SessionModel } from './model/session-model.ts'
import { type End, PathEnds } from './path-ends.ts'
import type { SimPath } from './sim-path.ts'
import { describeFrame } from './trace.ts'
import type { World } from './world.ts'

/** Rounds of effects and what they lead to, per event: more is a loop. */
const MAX_ROUNDS = 10_000
/** A chunk is not read again once its frames were handled. */
const SCRUB = 0xee

/** One process: identity, the live session if any, and the driver between session and paths. */
export class SimPeer {
  session: Session | undefined
  app: App | undefined
  ledger: Ledger | undefined
  #model: SessionModel | undefined
  wakeAt: number | undefined
  /** Dials when it has no session, not only when its session has no path. */
  mustDial = false
  /** The last session ended because it was closed or aborted here or by the peer. */
  lastEnd: 'closed' | 'superseded' | 'forgotten' | undefined

  readonly #world: World
  readonly side: 0 | 1
  readonly #config: SessionConfig
  #identity = new PeerIdentity()
  #self: Self
  readonly #ends: PathEnds
  #lastStreamPath: number | undefined
  #dialPending = false
  readonly #checks: SessionChecks

  constructor(world: World, side: 0 | 1, config: SessionConfig) {
    this.#world = world
    this.side = side
    this.#config = config
    this.#checks = new SessionChecks(side, config)
    this.#ends = new PathEnds(world, side, ({ id }) => {
      this.session?.setWritable(id, true, world.queue.now)
      this.#settle()
    })
    this.#self = this.#newSelf()
  }

  get attached(): SimPath[] {
    return this.#ends.attached
  }

  get pathCount(): number {
    return this.#ends.size
  }

  /** The process dies and comes back with nothing: no session, no memory of ended ones. */
  restart(): void {
    this.#world.trace?.(`side ${this.side} restarts`)
    this.#ends.vanish()
    this.#dropSession()
    this.#identity = new PeerIdentity()
    this.#self = this.#newSelf()
    this.mustDial = true
  }

  dial(): void {
    const path = this.#world.createPath(this.side)
    if (path == null) return
    const { state, send } = initiate(this.#self, path.id)
    this.#ends.add(path, state)
    this.#ends.send(path, send)
  }

  /** Whoever has a session and no path, or wants one, dials again after a while. */
  redialIfNeeded(): void {
    if (this.#ends.size > 0 || this.#dialPending || !(this.session != null || this.mustDial)) return
    const { queue, rng } = this.#world
    this.#dialPending = true
    queue.at(Math.max(queue.now + rng.between(1, 200), this.#world.noDialBefore), () => {
      this.#dialPending = false
      if (this.#ends.size > 0 || !(this.session != null || this.mustDial)) return
      if (this.#world.noDialBefore <= queue.now) this.dial()
      if (this.#ends.size === 0) this.redialIfNeeded()
    })
  }

  accept(path: SimPath): void {
    this.#ends.add(path, { role: 'responder', status: 'waiting' })
  }

  /** Any command to the session or its application from outside of an effect. */
  command(run: (session: Session, app: App) => void): void {
    if (this.session == null || this.app == null) return
    run(this.session, this.app)
    this.#settle()
  }

  tick(): void {
    const { now } = this.#world.queue
    this.#checks.onTick(now)
    this.session!.tick(now)
    this.#settle()
  }

  closePath(path: SimPath): void {
    path.closeBy(this.side)
    this.onClosed(path)
  }

  // PathUser

  onBytes(path: SimPath, bytes: Uint8Array): void {
    const end = this.#ends.get(path)
    if (end == null) return
    const { queue, rng, stats } = this.#world
    const wasWritable = end.writable
    for (const frame of end.decoder.push(bytes)) {
      stats.frames++
      if (this.#ends.get(path) == null) break
      if (end.state !== 'attached') this.#shake(end, end.state, frame)
      else this.#receive(path, frame)
    }
    if (rng.chance(0.1)) {
      // The receiving task goes on for a while.
      queue.after(rng.next() * 5, () => {
        this.session?.flush(queue.now)
        this.#settle()
      })
      this.#settle()
    } else {
      this.session?.flush(queue.now)
      this.#settle()
      if (wasWritable) this.#model?.checkAcked(path.id)
    }
    bytes.fill(SCRUB)
  }

  onClosed(path: SimPath): void {
    const end = this.#ends.get(path)
    if (end == null) return
    this.#ends.delete(path)
    this.#world.trace?.(`side ${this.side} sees the end of path ${path.id}`)
    if (end.state === 'attached' && this.session != null) {
      this.#model?.onDetached(path.id)
      this.session.detachPath(path.id, this.#world.queue.now)
      if (this.attached.length === 0) this.#world.stats.outages++
      this.#settle()
    }
    this.redialIfNeeded()
  }

  // Handshake

  #shake(end: End, state: HandshakeState, frame: Frame): void {
    const { path } = end
    this.#world.trace?.(`side ${this.side} path ${path.id} <- ${describeFrame(frame)}`)
    const { live } = this.#identity
    const step = shake(state, frame, this.#self, this.#identity, this.attached.length > 0)
    // It may be late, and abandoned long ago.
    if (state.role === 'responder' && frame.type === 'hello' && this.#identity.live !== live) {
      fail(`side ${this.side} gives up its session for a HELLO alone`)
    }
    if (step.send != null) this.#ends.send(path, step.send)
    if ('next' in step) {
      end.state = step.next
      return
    }
    const { verdict, peer } = step
    this.#world.trace?.(`side ${this.side} path ${path.id}: ${verdict.action}`)
    switch (verdict.action) {
      case 'attach':
        this.#attach(end, verdict.name, peer)
        return
      case 'supersede':
        this.#world.stats.supersedes++
        this.#endSession('superseded', path)
        this.#identity.begin(verdict.name)
        this.#attach(end, verdict.name, peer)
        return
      case 'endAndRefuse':
        this.#world.stats.supersedes++
        this.#endSession('forgotten', path)
        this.closePath(path)
        return
      case 'refuse':
        this.closePath(path)
        return
    }
  }

  #attach(end: End, name: SessionName, peer: HelloFrame): void {
    const { queue, stats, trace } = this.#world
    const { path } = end
    if (this.session == null) {
      this.session = new Session({ side: this.side, config: this.#config, now: queue.now })
      this.ledger = this.#world.ledgerOf(this.#self.instance, name)
      const model = new SessionModel(this.side, this.ledger, this.#config.streamWindow)
      this.#model = model
      this.app = new App({
        side: this.side,
        session: this.session,
        ledger: this.ledger,
        plan: this.#world.planOf(this.ledger),
        queue,
        stats,
        touched: () => this.#settle(),
        onStart: (stream) => model.onStart(stream)
      })
      if (this.#world.isSettling) this.app.settle()
      trace?.(`side ${this.side} begins session ${this.ledger.index}`)
    }
    end.state = 'attached'
    this.#world.onAttached(path, this.side, this.ledger!)
    this.#model!.onAttached(path.id, queue.now)
    const { streamWindow, sessionWindow } = peer
    this.session.attachPath(
      path.id,
      { peerStreamWindow: streamWindow, peerSessionWindow: sessionWindow, limited: path.limited },
      queue.now
    )
  }

  /** The session is over by the identity rules: its streams end with an error here. */
  #endSession(how: 'superseded' | 'forgotten', except: SimPath): void {
    const { session, app } = this
    if (session != null && app != null) {
      app.abort(1)
      for (const effect of session.takeEffects()) if (effect.type !== 'send') app.onEffect(effect)
      if (!app.closed) fail('An aborted session does not say closed')
      if (session.streamCount !== 0 || session.sendBufferedBytes !== 0)
        fail('An aborted session keeps streams or bytes')
    }
    this.#identity.end()
    this.#dropSession()
    for (const path of this.attached) if (path !== except) this.closePath(path)
    this.lastEnd = how
  }

  #dropSession(): void {
    if (this.app != null) this.app.closed = true
    this.session = undefined
    this.app = undefined
    this.ledger = undefined
    this.#model = undefined
    this.wakeAt = undefined
    this.#lastStreamPath = undefined
  }

  // Session

  #receive(path: SimPath, frame: Frame): void {
    const { queue, stats, trace } = this.#world
    trace?.(`side ${this.side} path ${path.id} <- ${describeFrame(frame)}`)
    if (frame.type === 'stream') {
      const incoming = this.ledger!.directions(frame.stream)[1 - this.side]!
      if (
        incoming.isOver ||
        (frame.data.byteLength > 0 && frame.offset + frame.data.byteLength <= incoming.delivered)
      ) {
        stats.duplicatesDropped++
      } else if (frame.offset > incoming.delivered) {
        stats.outOfOrder++
      }
    } else if (frame.type === 'blocked') {
      stats.blocked++
    }
    this.#model?.onIn(path.id, frame, queue.now)
    this.session?.receive(path.id, frame, queue.now)
  }

  /** Takes effects until there are none, then checks. */
  #settle(): void {
    for (let rounds = 0; ; rounds++) {
      const { session, app } = this
      if (session == null || app == null) return
      if (rounds > MAX_ROUNDS) fail(`side ${this.side} goes on for ever at one instant`)
      const effects = session.takeEffects()
      for (const effect of effects) this.#onEffect(effect, app)
      if (app.closed) {
        this.#onSessionClosed()
        return
      }
      this.#ends.applyBackPressure(session)
      const ranLater = app.runLater()
      if (effects.length === 0 && !ranLater) break
    }
    const { session, app } = this
    if (session == null || app == null) return
    this.#checks.check(session, app.unconsumedBytes)
    this.#model!.check(session, app, this.#ends.isWritable, this.#world.queue.now)
    this.wakeAt = session.nextWakeAt()
  }

  #onEffect(effect: SessionEffect, app: App): void {
    const { stats, trace } = this.#world
    switch (effect.type) {
      case 'send': {
        const end = this.#ends.byId(effect.path)
        if (end?.state !== 'attached') fail(`side ${this.side} sends on path ${effect.path}, which is not attached`)
        const { frame } = effect
        // The last words of a session that has everything: there is no later moment for them.
        const isLastAck = frame.type === 'ack' && this.session?.status === 'closed'
        const needsRoom = isCounted(frame) ? frame.type !== 'close' || frame.code === 0 : ANSWERS.has(frame.type)
        if (needsRoom && !isLastAck && !end.writable)
          fail(`side ${this.side} sends ${frame.type} on a path that is not writable`)
        if (frame.type === 'stream') {
          if (this.#lastStreamPath != null && this.#lastStreamPath !== effect.path) stats.migrations++
          this.#lastStreamPath = effect.path
          this.#checks.onStreamSent(effect.path)
        }
        this.#model!.onOut(effect.path, frame, this.#world.queue.now)
        this.#ends.send(end.path, frame)
        return
      }
      case 'pathError':
        fail(`side ${this.side} path ${effect.path}: ${effect.error.stack}`)
        break
      case 'pathSuspect':
        if (effect.by === 'self') stats.suspicions++
        else stats.suspicionsByPeer++
        this.#model!.onSuspect(effect.path, effect.by, this.#world.queue.now)
        trace?.(`side ${this.side} suspects path ${effect.path} by ${effect.by}`)
        return
      case 'pathRestored':
        stats.restorations++
        this.#model!.onRestored(effect.path)
        trace?.(`side ${this.side} trusts path ${effect.path} again`)
        return
      case 'pong':
        if (effect.rttMs < 0) fail('A negative round-trip time')
        stats.pings++
        return
      case 'goaway':
        return
      default:
        trace?.(`side ${this.side} ${describeEffect(effect)}`)
        app.onEffect(effect)
    }
  }

  #onSessionClosed(): void {
    const { session, app } = this
    if (session?.status !== 'closed') fail(`closed though the status is ${session?.status}`)
    if (session.nextWakeAt() != null) fail('A closed session asks for a tick')
    const { streamCount, sendBufferedBytes, receiveBufferedBytes } = session
    if (streamCount + sendBufferedBytes + receiveBufferedBytes > 0) fail('A closed session keeps streams or bytes')
    this.#world.trace?.(`side ${this.side} closed`)
    this.#world.onClosed(this.side, app!)
    this.#identity.end()
    this.#dropSession()
    for (const path of this.attached) this.closePath(path)
    this.lastEnd = 'closed'
  }

  #newSelf(): Self {
    const { streamWindow, sessionWindow } = this.#config
    return { instance: this.#world.rng.bytes(16), side: this.side, streamWindow, sessionWindow }
  }
}

/** Not counted, and may wait as well. */
const ANSWERS: ReadonlySet<Frame['type']> = new Set(['ack', 'pong', 'status'])

function describeEffect(effect: SessionEffect): string {
  const fields = Object.entries(effect).filter(([key]) => key !== 'type')
  const text = fields.map(
    ([key, value]) => `${key} ${value instanceof Uint8Array ? `${value.byteLength} bytes` : value}`
  )
  return `${effect.type} ${text.join(' ')}`
}
