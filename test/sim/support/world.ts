import { instanceName, MAX_PATHS, type SessionName } from '../../../src/session/index.ts'
import type { App } from './app.ts'
import { disturb, prefer } from './disturbance.ts'
import { EventQueue } from './event-queue.ts'
import { fail } from './fail.ts'
import { Ledger } from './ledger.ts'
import { Rng } from './rng.ts'
import { MIN_BYTES, planLanes, planSchedule, type Schedule } from './schedule.ts'
import { SimPath } from './sim-path.ts'
import { SimPeer } from './sim-peer.ts'
import { Stats } from './stats.ts'
import { planSession, type SessionPlan } from './stream-plan.ts'
import type { Trace } from './trace.ts'

/** With a working path and readers that read, everything is delivered and closed in this time. */
const LIVENESS_MS = 60_000
/** After that nothing may go on by itself, but for the probes of a suspect path: one each 2 s on either side, and some at first. */
const QUIET_MS = 20_000
const MAX_QUIET_TICKS = 60
const END_RETRY_MS = 50
/** Credit that comes a byte at a time, as where unread streams hold all but one of the window, takes many: slow, and right. */
const MAX_EVENTS = 2_000_000
const MIN_EVENTS = 200
/** A session after a restart is shorter. */
const LATER_STREAMS = [2, 2] as const

/** One schedule: two processes, the paths between them, and what happens. */
export class World {
  readonly queue = new EventQueue()
  readonly stats = new Stats()
  readonly rng: Rng
  readonly trace: Trace | undefined
  readonly schedule: Schedule
  readonly peers: readonly [SimPeer, SimPeer]
  paths: SimPath[] = []
  noDialBefore = 0
  isSettling = false

  readonly #ledgers = new Map<string, Ledger>()
  readonly #plans = new Map<Ledger, SessionPlan>()
  readonly #attachedTo = new Map<SimPath, Ledger>()
  readonly #pathCounters = [0, 0]
  #deadline = Number.POSITIVE_INFINITY
  #endingBegun = false
  /** Sessions somebody closed or aborted: they must not live on. */
  readonly #ended = new Set<Ledger>()

  constructor(seed: number, print?: (line: string) => void) {
    this.rng = new Rng(seed)
    this.trace = print == null ? undefined : (text) => print(`${this.queue.now.toFixed(2).padStart(10)} ${text}`)
    this.schedule = planSchedule(this.rng)
    const { configs } = this.schedule
    this.peers = [new SimPeer(this, 0, configs[0]), new SimPeer(this, 1, configs[1])]
  }

  /** @throws {BrokenInvariantError} */
  run(): Stats {
    this.#plan()
    while (!this.#isDone()) this.#step()
    this.#checkEnd()
    this.#checkQuiet()
    this.stats.schedules = 1
    this.stats.virtualMs = this.queue.now
    return this.stats
  }

  /** Undefined when this side or the other has as many as a session takes. */
  createPath(initiator: 0 | 1): SimPath | undefined {
    this.paths = this.paths.filter(({ isOpen }) => isOpen)
    if (this.peers.some(({ pathCount }) => pathCount >= MAX_PATHS)) return undefined
    const id = this.#pathCounters[initiator]!++ * 2 + initiator
    const { rng } = this
    const path = new SimPath(this.queue, this.peers, { id, initiator, limited: rng.chance(0.3), lanes: planLanes(rng) })
    this.paths.push(path)
    this.peers[1 - initiator]!.accept(path)
    this.trace?.(`side ${initiator} dials path ${id}`)
    return path
  }

  ledgerOf(instance: Uint8Array, { peerInstance, epoch }: SessionName): Ledger {
    const key = `${[instanceName(instance), peerInstance].sort().join()} ${epoch}`
    let ledger = this.#ledgers.get(key)
    if (ledger == null) {
      ledger = new Ledger(this.#ledgers.size)
      this.#ledgers.set(key, ledger)
    }
    return ledger
  }

  planOf(ledger: Ledger): SessionPlan {
    let plan = this.#plans.get(ledger)
    if (plan == null) {
      const first = ledger.index === 0
      const { durationMs, streams } = this.schedule
      plan = planSession(this.rng, {
        durationMs: first ? durationMs : durationMs / 4,
        minBytes: first ? MIN_BYTES : 0,
        streams: first ? streams : LATER_STREAMS
      })
      this.#plans.set(ledger, plan)
    }
    return plan
  }

  onAttached(path: SimPath, side: 0 | 1, ledger: Ledger): void {
    const other = this.#attachedTo.get(path)
    if (other != null && other !== ledger)
      fail(`path ${path.id} is attached to two sessions, the second by side ${side}`)
    this.#attachedTo.set(path, ledger)
  }

  onClosed(side: 0 | 1, app: App): void {
    this.stats.gracefulCloses += app.peerClosed === 0 ? 1 : 0
    if (!this.#endingBegun) fail(`side ${side} closed though nobody asked for it`)
  }

  #plan(): void {
    const { queue, schedule } = this
    for (const side of schedule.dialers) {
      this.peers[side].mustDial = true
      queue.after(this.rng.int(50), () => this.peers[side].dial())
    }
    for (const at of schedule.disturbancesAtMs) queue.at(at, () => disturb(this))
    for (const { side, atMs } of schedule.restarts) queue.at(atMs, () => this.#restart(side))
    const { ending } = schedule
    if (ending.kind === 'abort' || (ending.kind === 'close' && ending.early)) {
      queue.at(schedule.endAtMs, () => this.#end())
    }
    queue.at(schedule.durationMs, () => this.#settleDown())
  }

  #restart(side: 0 | 1): void {
    this.stats.restarts++
    for (const path of this.paths) path.kill([this.rng.int(500), this.rng.int(500)])
    this.peers[side].restart()
    this.peers[side].redialIfNeeded()
  }

  /** Nothing is disturbed any more: broken paths are noticed, readers read, and time runs. */
  #settleDown(): void {
    this.trace?.('no more disturbances')
    this.isSettling = true
    this.noDialBefore = this.queue.now
    for (const path of this.paths) {
      if (path.broken) path.kill([this.rng.int(3_000), this.rng.int(3_000)])
    }
    this.#deadline = this.queue.now + 3_000 + LIVENESS_MS
    for (const peer of this.peers) peer.command((_, app) => app.settle())
    for (const peer of this.peers) peer.redialIfNeeded()
  }

  #step(): void {
    const { queue, stats } = this
    const [a, b] = this.peers
    stats.events++
    if (stats.events > MAX_EVENTS) fail(`more than ${MAX_EVENTS} events`)
    const wakeA = a.wakeAt ?? Number.POSITIVE_INFINITY
    const wakeB = b.wakeAt ?? Number.POSITIVE_INFINITY
    const eventAt = queue.nextAt ?? Number.POSITIVE_INFINITY
    const next = Math.min(wakeA, wakeB, eventAt)
    if (next > this.#deadline) fail(`not done in time: ${this.#describe()}`)
    if (next < eventAt) {
      queue.now = Math.max(queue.now, next)
      if (wakeA <= wakeB) a.tick()
      else b.tick()
    } else {
      queue.runNext()
    }
  }

  #isDone(): boolean {
    if (!this.isSettling) return false
    const { ending } = this.schedule
    const [a, b] = this.peers
    if (ending.kind === 'none') return this.#isDelivered()
    if (!this.#endingBegun) {
      if (a.app?.hasWritten !== true || b.app?.hasWritten !== true) return false
      this.#end()
    }
    if (ending.kind === 'close') {
      for (const peer of this.peers) {
        // Whoever was told follows, once everything it wants to say is said.
        if (peer.app?.peerClosed != null && peer.session?.status === 'open') peer.command((_, app) => app.close())
      }
    }
    return this.peers.every(({ ledger }) => ledger == null || !this.#ended.has(ledger))
  }

  #isDelivered(): boolean {
    const [a, b] = this.peers
    if (a.session == null || b.session == null || a.ledger !== b.ledger) return false
    for (const { session, app } of this.peers) {
      if (session!.streamCount > 0 || session!.sendBufferedBytes > 0 || !app!.hasWritten) return false
    }
    return true
  }

  #end(): void {
    const { ending } = this.schedule
    if (this.#endingBegun || ending.kind === 'none') return
    const sides = ending.kind === 'abort' ? [ending.side] : ending.sides
    if (sides.some((side) => this.peers[side].session == null)) {
      // Nothing to close yet.
      this.queue.after(END_RETRY_MS, () => this.#end())
      return
    }
    this.#endingBegun = true
    for (const { ledger } of this.peers) if (ledger != null) this.#ended.add(ledger)
    for (const peer of this.peers) peer.mustDial = false
    if (ending.kind === 'abort') this.stats.aborts++
    // CLOSE overtakes what is still under way on another path.
    else if (this.rng.chance(0.5)) prefer(this)
    for (const side of sides) {
      this.peers[side].command((_, app) => {
        if (ending.kind === 'abort') app.abort(5)
        else app.close()
      })
    }
  }

  /** Everything that was cleanly finished has arrived. */
  #checkEnd(): void {
    const { ending, restarts } = this.schedule
    const whole = restarts.length === 0 && (ending.kind === 'none' || (ending.kind === 'close' && !ending.early))
    for (const ledger of this.#ledgers.values()) {
      const isLive = this.peers.some((peer) => peer.ledger === ledger)
      if ((!isLive && !whole) || (isLive && this.#endingBegun)) continue
      const clean = [0, 0]
      for (const directions of ledger.all()) {
        for (const [side, direction] of directions.entries()) {
          if (!direction.isOver) fail(`${direction.name} is not over`)
          if (direction.ended) clean[side]! += direction.delivered
          if (direction.ended || direction.resetByWriter || direction.stoppedByReader) continue
          fail(`${direction.name} was finished and did not end`)
        }
      }
      if (whole && clean.some((bytes) => bytes < MIN_BYTES)) fail(`only ${clean.join(' and ')} bytes arrived`)
    }
    if (this.stats.events < MIN_EVENTS && whole) fail(`only ${this.stats.events} events`)
    for (const { session } of this.peers) {
      if (session != null && !this.#endingBegun && session.receiveBufferedBytes > 0)
        fail('Received bytes are kept though all was delivered')
    }
  }

  /** What is idle stays idle. After an abort a new session may have begun, and be busy. */
  #checkQuiet(): void {
    if (this.#endingBegun && this.peers.some(({ session }) => session != null)) return
    const until = this.queue.now + QUIET_MS
    this.#deadline = Number.POSITIVE_INFINITY
    let ticks = 0
    for (;;) {
      const next = Math.min(...this.peers.map(({ wakeAt }) => wakeAt ?? until), this.queue.nextAt ?? until)
      if (next >= until) return
      if (next < (this.queue.nextAt ?? until)) ticks++
      if (ticks > MAX_QUIET_TICKS) fail(`idle sessions ask for more than ${MAX_QUIET_TICKS} ticks`)
      this.#step()
    }
  }

  #describe(): string {
    const peers = this.peers.map(({ side, session, app, ledger, attached, lastEnd }) => {
      if (session == null) return `side ${side} has no session (${lastEnd ?? 'never had one'})`
      const paths = attached.map(({ id, broken }) => `${id}${broken ? ' broken' : ''}`).join()
      return (
        `side ${side} session ${ledger?.index} ${session.status}, paths [${paths}], streams ${session.streamCount}, ` +
        `to send ${session.sendBufferedBytes}, peerClosed ${app?.peerClosed}, [${app?.describeWriters()}]`
      )
    })
    const open: string[] = []
    for (const ledger of this.#ledgers.values()) {
      for (const direction of [...ledger.all()].flat()) {
        if (!direction.isOver) open.push(`${direction.name}: ${direction.delivered} of ${direction.written}`)
      }
    }
    return [...peers, ...open.slice(0, 8)].join('; ')
  }
}
