import type { LinkState } from '../../../../src/link/api.ts'
import { AMPLE_BYTES, CHEAP_CIRCUIT_MS, TIMER_GAP_MS } from '../../../../src/link/config.ts'
import { LinkMachine } from '../../../../src/link/link.step.ts'
import type { CircuitView, LinkEffect, LinkEvent } from '../../../../src/link/link-events.ts'
import { wasStalled } from '../../../../src/link/stall.step.ts'
import { renewBelowBytes, renewBelowMs } from '../../../../src/path/renewal.step.ts'
import { DEFAULT_SESSION_CONFIG, MAX_PATHS, Session, type SessionName } from '../../../../src/session/index.ts'
import type { Frame, HelloFrame } from '../../../../src/wire/index.ts'
import { isCounted } from '../../../support/counted.ts'
import { fail } from '../fail.ts'
import { contentOf, isContent, type Tag } from './content.ts'
import { LinkChecks } from './link-checks.ts'
import type { SimCarrier } from './network.ts'
import type { SimNode } from './sim-node.ts'

export const RESUME_WINDOW_MS = 20_000
const LEAVE_DELAY_MS = 1_000

interface AttachedPath {
  readonly carrier: SimCarrier
}

/** One link end: the real machine and the real session core, driven in virtual time as src/link/link.ts drives them. */
export class SimLink {
  readonly node: SimNode
  readonly name: SessionName
  readonly machine: LinkMachine
  readonly session: Session
  readonly #tag: Tag
  readonly #checks: LinkChecks
  readonly #paths = new Map<number, AttachedPath>()
  readonly #received = new Map<number, number>()
  readonly #events: LinkEvent[] = []
  /** Paths we left, and what closes them. */
  readonly #leaving = new Map<number, () => void>()
  #stepping = false
  #stream: number | undefined
  written = 0
  suspensions = 0
  abortedRedials = 0
  #timerAt: number | undefined
  #tickAt: number | undefined

  constructor(node: SimNode, name: SessionName, tag: Tag) {
    this.node = node
    this.name = name
    this.#tag = tag
    this.#checks = new LinkChecks(node.side, RESUME_WINDOW_MS)
    this.machine = new LinkMachine({
      side: node.side,
      config: { resumeWindowMs: RESUME_WINDOW_MS, upgradeTimeoutMs: 10_000, heartbeatIntervalMs: 5_000 },
      neverUpgrade: node.world.upgrades ? undefined : 'this schedule never upgrades',
      random: () => node.world.rng.next()
    })
    this.session = new Session({ side: node.side, config: DEFAULT_SESSION_CONFIG, now: node.now })
    this.#stream = this.session.openStream(node.now)
  }

  get state(): LinkState {
    return this.machine.state
  }

  get pathCount(): number {
    return this.#paths.size
  }

  /** As src/link/link.ts has it. */
  get isHeard(): boolean {
    return this.#paths.size > 0 && this.state.status !== 'recovering'
  }

  get isClosed(): boolean {
    return this.state.status === 'closed'
  }

  /** Bytes of the other side's stream delivered here. */
  get received(): number {
    return this.#received.get(1 - this.node.side) ?? 0
  }

  carriers(): SimCarrier[] {
    return [...this.#paths.values()].map(({ carrier }) => carrier)
  }

  write(bytes: number): void {
    if (this.isClosed || this.#stream == null) return
    const data = contentOf(this.#tag, this.#stream, this.written, bytes)
    this.written += this.session.write(this.#stream, data, this.node.now).accepted
    this.#drain()
  }

  attach(id: number, carrier: SimCarrier, peer: HelloFrame): void {
    if (this.#paths.size >= MAX_PATHS) fail(`side ${this.node.side} attaches a path beyond ${MAX_PATHS}`)
    this.#paths.set(id, { carrier })
    const windows = { peerStreamWindow: peer.streamWindow, peerSessionWindow: peer.sessionWindow }
    const budget = carrier.circuit?.budget(this.node.side, this.node.now)
    const { remainingBytes } = budget ?? {}
    const ample = remainingBytes == null || remainingBytes >= AMPLE_BYTES
    const works = (): boolean => carrier.works && this.node.peer.isAwake
    this.#checks.onAttached(id, carrier.kind !== 'relayed', works, this.node.now)
    const limitBytes = carrier.circuit?.known(this.node.side).limitBytes
    const byteBudget =
      limitBytes == null || remainingBytes == null
        ? undefined
        : { limitBytes, remainingBytes, renewBelowBytes: renewBelowBytes(limitBytes) }
    this.session.attachPath(id, { ...windows, limited: budget != null, budget: byteBudget }, this.node.now)
    const circuit = this.#viewOf(carrier)
    this.step({ type: 'attached', path: id, kind: carrier.kind, opener: (id & 1) as 0 | 1, ample, circuit })
  }

  /** As src/link/link.ts has it. */
  #viewOf({ circuit }: SimCarrier): CircuitView | undefined {
    const { now, side } = this.node
    const { remainingMs } = circuit?.budget(side, now) ?? {}
    const { limitMs } = circuit?.known(side) ?? {}
    if (limitMs == null || remainingMs == null) return undefined
    return { cheap: limitMs >= CHEAP_CIRCUIT_MS, renewAt: now + remainingMs - renewBelowMs(limitMs) }
  }

  #readBudget(id: number, isWritten: boolean): void {
    const { circuit } = this.#paths.get(id)?.carrier ?? {}
    if (circuit == null) return
    const { remainingBytes = 0 } = circuit.budget(this.node.side, this.node.now)
    this.session.setBudget(id, remainingBytes, isWritten, this.node.now)
  }

  onWoke(sleptMs: number): void {
    this.#checks.onWoke(sleptMs, this.node.now)
  }

  checkTime(): void {
    const { now, side } = this.node
    this.#checks.checkTime(this.state, now)
    for (const { carrier } of this.#paths.values()) carrier.circuit?.budget(side, now)
  }

  onFrames(id: number, frames: readonly Frame[]): void {
    if (this.#paths.has(id)) this.#checks.onHeard(id, this.node.now)
    this.#readBudget(id, true)
    for (const frame of frames) this.session.receive(id, frame, this.node.now)
    this.session.flush(this.node.now)
    this.#drain()
  }

  onPathClosed(id: number, cause: string): void {
    this.#detach(id, cause)
  }

  suspend(): void {
    this.suspensions++
    this.step({ type: 'suspended' })
  }

  step(event: LinkEvent): void {
    if (!this.#stepping && event.type !== 'gap' && event.type !== 'closed') this.#noticeStall()
    this.#events.push(event)
    if (this.#stepping) return
    this.#stepping = true
    for (let next = this.#events.shift(); next != null; next = this.#events.shift()) {
      this.#checks.onEvent(next, this.node.now)
      const effects = this.machine.step(next, this.session.paths(), this.node.now)
      for (const effect of effects) this.#checks.onEffect(effect, next, this.node.now)
      for (const effect of effects) this.#perform(effect)
    }
    this.#stepping = false
    this.#checks.checkRest(this.state, this.node.now)
    this.#drain()
  }

  #noticeStall(): void {
    const { now } = this.node
    const lateMs = now - (this.#timerAt ?? now)
    if (wasStalled(lateMs, this.session.paths(), now)) this.#events.push({ type: 'gap', lateMs })
  }

  end(cause: string): void {
    if (this.isClosed) return
    const carriers = this.carriers()
    this.session.abort(1, this.node.now)
    this.#sendAll()
    this.#paths.clear()
    this.step({ type: 'closed', reason: new Error(cause), cause })
    for (const carrier of carriers) carrier.close(this.node.side, cause)
    this.node.world.queue.after(0, () => this.#checkFreed())
    this.node.onLinkEnd(this, cause)
  }

  /** Nothing is kept for a link that is over, and nobody is woken for it. */
  #checkFreed(): void {
    const { status, streamCount, sendBufferedBytes, receiveBufferedBytes } = this.session
    const kept = streamCount + sendBufferedBytes + receiveBufferedBytes + this.session.paths().length
    if (status !== 'closed' || kept > 0)
      fail(`side ${this.node.side} keeps streams, bytes or paths of a link that ended`)
    if (this.session.nextWakeAt() != null || this.machine.wakeAt != null) fail('A link that ended asks for a tick')
  }

  #detach(id: number, cause: string): void {
    if (!this.#paths.delete(id)) return
    this.#checks.onDetached(id)
    this.session.detachPath(id, this.node.now)
    this.step({ type: 'detached', path: id, cause })
  }

  #perform(effect: LinkEffect): void {
    const { now, side, world } = this.node
    switch (effect.type) {
      case 'prefer':
        this.session.prefer(effect.order, now)
        return
      case 'select':
        world.stats.selections++
        return
      case 'probe':
        this.session.ping(effect.path, now)
        return
      case 'abandon': {
        world.stats.abandoned++
        this.session.sendGoaway(effect.path, 2, 0, now)
        this.#sendAll()
        this.#paths.get(effect.path)?.carrier.close(side, effect.cause)
        this.#detach(effect.path, effect.cause)
        return
      }
      case 'leave': {
        world.stats.left++
        const end = (): void => {
          if (!this.#leaving.delete(effect.path)) return
          this.#paths.get(effect.path)?.carrier.close(side, effect.cause)
          this.#detach(effect.path, effect.cause)
        }
        this.#leaving.set(effect.path, end)
        this.session.sendGoaway(effect.path, 1, LEAVE_DELAY_MS, now)
        this.node.after(LEAVE_DELAY_MS, end)
        return
      }
      case 'renew':
        world.stats.renewals++
        this.node.renew(this)
        return
      case 'askRenewal':
        world.stats.asked++
        this.session.askRenewal(effect.path, now)
        return
      case 'upgrade':
        world.stats.upgrades++
        this.node.upgrade(this)
        return
      case 'redial':
        world.stats.redials++
        this.node.redial(this)
        return
      case 'redialOver':
        this.abortedRedials++
        return
      case 'expired':
        world.stats.expired++
        this.end('expired')
        return
      case 'state':
        world.stats.onState(effect.state.status)
        world.trace(`side ${side} ${effect.previous.status} -> ${effect.state.status}: ${effect.cause}`)
    }
  }

  #drain(): void {
    if (this.isClosed) return
    this.#sendAll()
    this.#arm()
  }

  #sendAll(): void {
    for (;;) {
      const effects = this.session.takeEffects()
      if (effects.length === 0) return
      const outbox = new Map<number, Frame[]>()
      for (const effect of effects) {
        switch (effect.type) {
          case 'send':
            this.#onSend(effect.path, effect.frame, outbox)
            break
          case 'streamData':
            this.#onData(effect.stream, effect.data)
            break
          case 'pathSuspect':
            this.node.world.stats.suspicions++
            this.step({ type: 'suspect', path: effect.path })
            break
          case 'pathRestored':
            this.step({ type: 'restored', path: effect.path })
            break
          case 'pong':
            this.step({ type: 'pong', path: effect.path, rttMs: effect.rttMs })
            break
          case 'goaway':
            this.step({ type: 'goaway', path: effect.path, gone: effect.delayMs === 0 })
            break
          case 'budgetLow':
            this.step({ type: 'budgetLow', path: effect.path })
            break
          case 'renewAsked':
            this.step({ type: 'renewAsked', path: effect.path })
            break
          case 'pathDrained':
            this.node.after(0, () => this.#leaving.get(effect.path)?.())
            break
          case 'pathError':
            fail(`side ${this.node.side} sees a correct peer break the protocol: ${effect.error.message}`)
            break
          case 'peerClosed':
          case 'closed':
            if (effect.code !== 0 && !this.isClosed) {
              this.node.after(0, () => this.end('the peer ended the session'))
            }
        }
      }
      for (const [id, frames] of outbox) {
        this.#paths.get(id)?.carrier.send(this.node.side, frames)
        this.#readBudget(id, true)
      }
    }
  }

  #onSend(path: number, frame: Frame, outbox: Map<number, Frame[]>): void {
    const counted = isCounted(frame)
    this.#checks.onSent(path, counted, counted || frame.type === 'ping', this.node.now)
    const frames = outbox.get(path)
    if (frames == null) outbox.set(path, [frame])
    else frames.push(frame)
  }

  #onData(stream: number, data: Uint8Array): void {
    const from = this.#received.get(stream) ?? 0
    if (!isContent(this.#tag, stream, from, data)) {
      fail(`side ${this.node.side} got other bytes than were written at ${from}..${from + data.byteLength}`)
    }
    this.#received.set(stream, from + data.byteLength)
    this.session.consume(stream, data.byteLength, this.node.now)
  }

  #arm(): void {
    const { node } = this
    const wakeAt = this.machine.wakeAt
    if (wakeAt != null && wakeAt !== this.#timerAt) {
      this.#timerAt = wakeAt
      node.at(wakeAt, (lateMs) => {
        if (this.isClosed || this.#timerAt !== wakeAt) return
        this.#timerAt = undefined
        this.step(lateMs > TIMER_GAP_MS ? { type: 'gap', lateMs } : { type: 'tick' })
      })
    }
    const tickAt = this.session.nextWakeAt()
    if (tickAt != null && tickAt !== this.#tickAt) {
      this.#tickAt = tickAt
      node.at(tickAt, () => {
        if (this.isClosed || this.#tickAt !== tickAt) return
        this.#tickAt = undefined
        this.session.tick(node.now)
        this.#drain()
      })
    }
  }
}
