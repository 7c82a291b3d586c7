import { assess } from '../path/index.ts'
import { MAX_PATHS, type PathStats } from '../session/index.ts'
import type { LinkState } from './api.ts'
import { backoffMs } from './backoff.step.ts'
import {
  DEAD_AFTER_MS,
  DEAD_AFTER_RTOS,
  DOUBT_MS,
  GIVE_UP_AFTER_MS,
  IDLE_DEATH_PROBES,
  type LinkConfig,
  PROBE_ANSWER_MS,
  REDIAL_BACKOFF,
  REDIAL_RESPONDER_DELAY_MS,
  SECOND_ASKER_MS,
  SECOND_LOOK_MS,
  SLEEP_GAP_MS,
  STANDBY_HEARTBEAT_MS,
  UPGRADE_BACKOFF,
  WAKING_MS
} from './config.ts'
import type { LinkEffect, LinkEvent } from './link-events.ts'
import { silence } from './outage.step.ts'
import { isDirect, NOT_PROBED, order, type PathView } from './preference.step.ts'
import { coolDown, dropDuplicates, type RelayedDecision, relayedInUse, renewAt } from './relayed.step.ts'
import { Renewal } from './renewal.step.ts'
import { Traffic } from './traffic.step.ts'
import { Upgrade } from './upgrade.step.ts'

export interface LinkMachineInit {
  readonly side: 0 | 1
  readonly config: LinkConfig
  /** Why this link never looks for a direct path; undefined if it does. */
  readonly neverUpgrade?: string
  /** Uniform in [0, 1). */
  readonly random: () => number
}

const SUSPENDED = 'the page was put aside'

/** The link's state machine: `step(event, stats, now) -> effects`. Holds no clock and no timer. */
export class LinkMachine {
  readonly #init: LinkMachineInit
  readonly #paths = new Map<number, PathView>()
  readonly #upgrade = new Upgrade()
  #state: LinkState = { status: 'connecting' }
  #effects: LinkEffect[] = []
  #stats = new Map<number, PathStats>()
  #selected: number | undefined
  #lastOpener: 0 | 1 = 0
  #redials = 0
  #redialAt: number | undefined
  #redialing = false
  #mayDial = true
  #suspended = false
  #lostStandby: PathView | undefined
  #lastRelayed: PathView | undefined
  readonly #renewal = new Renewal()
  readonly #traffic = new Traffic()
  /** Silence before this was our own timers' fault. */
  #notBefore = 0
  #wakeAt: number | undefined

  constructor(init: LinkMachineInit) {
    this.#init = init
    if (init.neverUpgrade != null) this.#upgrade.forbid(init.neverUpgrade)
  }

  get state(): LinkState {
    return this.#state
  }

  get paths(): ReadonlyMap<number, PathView> {
    return this.#paths
  }

  get selected(): number | undefined {
    return this.#selected
  }

  /** When to step with `tick` if nothing else happens. */
  get wakeAt(): number | undefined {
    return this.#wakeAt
  }

  step(event: LinkEvent, stats: Iterable<PathStats>, now: number): LinkEffect[] {
    this.#effects = []
    if (this.#state.status === 'closed') return []
    this.#stats = new Map(Array.from(stats, (stat) => [stat.path, stat]))
    const cause = this.#onEvent(event, now)
    if (event.type !== 'closed') this.#settle(cause, now)
    return this.#effects
  }

  #onEvent(event: LinkEvent, now: number): string {
    switch (event.type) {
      case 'attached': {
        const { path: id, kind, opener, ample, circuit } = event
        const path: PathView = {
          id,
          kind,
          opener,
          ample,
          circuit,
          low: false,
          asked: 'no',
          attachedAt: now,
          proven: false,
          suspect: false,
          suspectedAt: now,
          leaving: false,
          rttMs: undefined,
          probes: NOT_PROBED,
          doomedAt: undefined
        }
        this.#paths.set(id, path)
        this.#lastOpener = opener
        if (!isDirect(path) || this.#state.status === 'recovering') {
          this.#redials = 0
          this.#redialing = false
          this.#redialAt = undefined
        }
        this.#probe(path, now)
        if (isDirect(path)) {
          this.#upgrade.succeeded()
        } else {
          this.#lostStandby = undefined
          this.#lastRelayed = path
        }
        // Looking for a relayed path may have led to a direct one.
        if (!isDirect(path) || opener === this.#init.side) this.#renewal.over()
        return `${kind} path opened`
      }
      case 'detached': {
        const path = this.#paths.get(event.path)
        this.#paths.delete(event.path)
        if (path != null) this.#onLost(path, now)
        return `${path?.kind ?? 'unknown'} path closed: ${event.cause}`
      }
      case 'pong': {
        const path = this.#paths.get(event.path)
        if (path != null) {
          path.proven = true
          path.rttMs = this.#stats.get(event.path)?.srttMs ?? event.rttMs
        }
        return `${path?.kind ?? 'unknown'} path answered our probe`
      }
      case 'suspect':
      case 'restored': {
        const path = this.#paths.get(event.path)
        if (path != null) {
          path.suspect = event.type === 'suspect'
          if (path.suspect) path.suspectedAt = now
        }
        return `${path?.kind ?? 'unknown'} path ${event.type === 'suspect' ? 'does not acknowledge' : 'answers again'}`
      }
      case 'goaway': {
        const path = this.#paths.get(event.path)
        if (path == null) return 'peer leaves a path that is gone here too'
        const cause = `peer ${event.gone ? 'gave up' : 'leaves'} the ${path.kind} path`
        if (event.gone) {
          this.#paths.delete(path.id)
          this.#onLost(path, now)
          this.#effects.push({ type: 'abandon', path: path.id, cause })
        }
        path.leaving = true
        return cause
      }
      case 'budgetLow':
        return `${this.#paths.get(event.path)?.kind ?? 'unknown'} path carries little more`
      case 'renewAsked': {
        const path = this.#paths.get(event.path)
        if (path?.opener === this.#init.side) path.asked = 'byPeer'
        return 'peer asks for another path'
      }
      case 'renewFailed':
        this.#renewal.failed(now, this.#init.random)
        return `path not replaced: ${event.cause}`
      case 'upgradeFailed':
        this.#upgrade.failed(now, this.#init.random)
        return `no direct path: ${event.cause}`
      case 'upgradeForbidden':
        this.#upgrade.forbid(event.reason)
        return `no direct path: ${event.reason}`
      case 'upgradeRequested':
        this.#upgrade.allow()
        this.#upgrade.retryNow()
        this.#startUpgrade(now, true)
        return 'asked for a direct path'
      case 'redialFailed':
        this.#redialing = false
        this.#redials++
        // While data flows nobody waits for a standby.
        this.#redialAt =
          now +
          backoffMs(
            this.#redials,
            this.#state.status === 'recovering' ? REDIAL_BACKOFF : UPGRADE_BACKOFF,
            this.#init.random
          )
        return `redial failed: ${event.cause}`
      case 'redialRequested':
        this.#redials = 0
        if (this.#state.status === 'recovering' && !this.#redialing) this.#redialAt = now
        return 'asked for a path'
      case 'networkChanged':
        this.#afresh(now)
        return 'network changed'
      case 'suspended':
        this.#suspended = true
        this.#redialing = false
        for (const { id } of this.#paths.values()) this.#effects.push({ type: 'abandon', path: id, cause: SUSPENDED })
        this.#paths.clear()
        return SUSPENDED
      case 'resumed':
        this.#suspended = false
        this.#redialAt = now
        this.#afresh(now)
        return 'the page is back'
      case 'gap': {
        const dueAt = now - event.lateMs
        this.#notBefore = now
        // Hidden pages have their timers held up for a minute while messages come in: only silence is sleep. What comes in
        // on waking may be read before our timers run.
        const wasAwake = [...this.#stats.values()].some(
          ({ lastHeardAt }) => lastHeardAt > dueAt && lastHeardAt < now - WAKING_MS
        )
        if (event.lateMs >= SLEEP_GAP_MS && !wasAwake) this.#afresh(now)
        return `timers were held up for ${Math.round(event.lateMs)} ms`
      }
      case 'closing':
        this.#mayDial = false
        return 'closing'
      case 'closed':
        this.#paths.clear()
        this.#wakeAt = undefined
        this.#to({ status: 'closed', reason: event.reason }, event.cause)
        return event.cause
      case 'tick':
        return 'time passed'
    }
  }

  #onLost(path: PathView, now: number): void {
    if (path.leaving) return
    if (isDirect(path)) this.#upgrade.pathDied(now)
    else this.#lostStandby = path
  }

  /** The world may be another: probe everything, forget backoffs. */
  #afresh(now: number): void {
    this.#upgrade.retryNow()
    this.#renewal.over()
    this.#redials = 0
    if (this.#redialAt != null) this.#redialAt = now
    for (const path of this.#paths.values()) this.#probe(path, now, true)
  }

  /** Everything that follows from where we are, whatever event led here. */
  #settle(cause: string, now: number): void {
    this.#wakeAt = undefined
    this.#traffic.observe(this.#stats.values())
    // A standby is asked when the active path is in doubt: that one is looked at first.
    const isActive = (path: PathView): number => (path.id === this.#selected ? 0 : 1)
    const paths = [...this.#paths.values()].sort((one, other) => isActive(one) - isActive(other))
    for (const path of paths) this.#checkHealth(path, now)
    this.#follow(dropDuplicates(this.#paths.values(), this.#own, now))
    this.#select(cause)
    this.#decideState(cause, now)
    this.#coolDown(now)
    this.#renew(now)
    this.#startUpgrade(now, false)
    this.#redial(cause, now)
  }

  #checkHealth(path: PathView, now: number): void {
    const stats = this.#stats.get(path.id)
    if (stats == null) return
    path.rttMs = stats.srttMs ?? path.rttMs
    path.low ||= stats.low
    if (path.probes.lastAt != null && stats.lastHeardAt >= path.probes.lastAt) path.probes = NOT_PROBED
    const health = assess(
      { stats, probes: path.probes, othersHeardAt: this.#heardElsewhereAt(path.id), notBefore: this.#notBefore },
      { ...this.#limits, heartbeatIntervalMs: this.#heartbeatMs(path, now) },
      now
    )
    if (health.status !== 'dead') path.doomedAt = undefined
    if (health.status === 'dead') {
      path.doomedAt ??= now
      const sureAt = path.doomedAt + SECOND_LOOK_MS + (stats.srttMs ?? stats.rtoMs)
      if (now < sureAt) {
        this.#wake(sureAt)
        return
      }
      this.#paths.delete(path.id)
      this.#onLost(path, now)
      this.#effects.push({ type: 'abandon', path: path.id, cause: health.cause })
    } else if (health.status === 'probe') {
      this.#probe(path, now)
      this.#wake(now + PROBE_ANSWER_MS)
    } else {
      this.#wake(health.wakeAt)
    }
  }

  get #limits() {
    return {
      deadAfterMs: DEAD_AFTER_MS,
      deadAfterRtos: DEAD_AFTER_RTOS,
      heartbeatIntervalMs: this.#init.config.heartbeatIntervalMs,
      probeAnswerMs: PROBE_ANSWER_MS,
      idleDeathProbes: IDLE_DEATH_PROBES
    }
  }

  /**
   * One side asks, or both would at once: the other one begins later. A standby behind a direct path that works is asked now and
   * then; as soon as that one leaves a probe unanswered, at once.
   */
  #heartbeatMs(path: PathView, now: number): number {
    const laterMs = this.#init.side === 0 ? 0 : SECOND_ASKER_MS
    const { heartbeatIntervalMs } = this.#init.config
    const active = this.#selected == null ? undefined : this.#paths.get(this.#selected)
    if (active == null || active === path || !isDirect(active) || active.suspect) return heartbeatIntervalMs + laterMs
    const doubtAt = (active.probes.lastAt ?? Number.POSITIVE_INFINITY) + DOUBT_MS
    if (now >= doubtAt) return heartbeatIntervalMs + laterMs
    this.#wake(doubtAt)
    return Math.max(heartbeatIntervalMs, STANDBY_HEARTBEAT_MS) + laterMs
  }

  #heardElsewhereAt(id: number): number | undefined {
    let at: number | undefined
    for (const stats of this.#stats.values()) {
      if (stats.path !== id && this.#paths.has(stats.path)) at = Math.max(at ?? 0, stats.lastHeardAt)
    }
    return at
  }

  #follow(decisions: Iterable<RelayedDecision>): void {
    for (const decision of decisions) {
      if (decision.type === 'wake') {
        this.#wake(decision.at)
        continue
      }
      const { path, cause } = decision
      path.leaving = true
      this.#effects.push({ type: 'leave', path: path.id, cause })
    }
  }

  get #own() {
    return { side: this.#init.side, notBefore: this.#notBefore }
  }

  #coolDown(now: number): void {
    const active = this.#selected == null ? undefined : this.#paths.get(this.#selected)
    if (this.#state.status !== 'direct' || active == null || !active.proven || active.suspect) return
    this.#follow(coolDown(this.#paths.values(), active, { ...this.#own, idleAt: this.#traffic.idleAt }, now))
  }

  /**
   * Make before break: who opened the path dials the next, the other side asks for it. While closing too: what is to be flushed
   * may need more than this circuit.
   */
  #renew(now: number): void {
    const [path] = relayedInUse(this.#paths.values())
    if (path == null || this.#suspended) return
    const at = renewAt(path)
    if (now < at) {
      this.#wake(at)
      return
    }
    if (path.opener !== this.#init.side) {
      if (path.asked === 'byUs') return
      path.asked = 'byUs'
      this.#effects.push({ type: 'askRenewal', path: path.id })
      return
    }
    if (this.#paths.size >= MAX_PATHS) return
    if (!this.#renewal.isDue(now)) {
      this.#wake(this.#renewal.retryAt)
      return
    }
    this.#renewal.start()
    this.#effects.push({ type: 'renew', path: path.id })
  }

  #select(cause: string): void {
    const sorted = order(this.#paths.values(), this.#selected)
    this.#effects.push({ type: 'prefer', order: sorted.map(({ id }) => id) })
    const active = sorted.find((path) => !path.suspect) ?? sorted[0]
    if (active?.id === this.#selected) return
    this.#selected = active?.id
    if (active != null) this.#effects.push({ type: 'select', path: active.id, cause })
  }

  #decideState(cause: string, now: number): void {
    const active = this.#selected == null ? undefined : this.#paths.get(this.#selected)
    const stats = [...this.#paths.values()].map(({ id }) => this.#stats.get(id))
    const { since: silentSince, wakeAt } = silence(stats, this.#notBefore, now)
    this.#wake(wakeAt)
    if (active == null || silentSince != null) {
      if (this.#state.status === 'connecting') return
      if (this.#state.status !== 'recovering') {
        const since = silentSince ?? now
        this.#to(
          { status: 'recovering', since, deadline: now + this.#init.config.resumeWindowMs },
          active == null ? cause : 'nothing is heard on any path'
        )
        this.#redialAt = now + (this.#lastOpener === this.#init.side ? 0 : REDIAL_RESPONDER_DELAY_MS)
      }
      if (active != null && silentSince != null && now >= silentSince + GIVE_UP_AFTER_MS) this.#giveUp()
      return
    }
    if (isDirect(active)) {
      const standby = [...this.#paths.values()].some((path) => !isDirect(path) && !path.leaving) ? 'hot' : 'cold'
      this.#to({ status: 'direct', standby }, cause)
    } else {
      this.#to({ status: 'relayed', upgrade: this.#upgrade.status }, cause)
    }
  }

  #giveUp(): void {
    for (const path of [...this.#paths.values()]) {
      this.#paths.delete(path.id)
      this.#effects.push({
        type: 'abandon',
        path: path.id,
        cause: `nothing heard for ${GIVE_UP_AFTER_MS} ms on any path`
      })
    }
    this.#selected = undefined
  }

  #startUpgrade(now: number, asked: boolean): void {
    if (this.#state.status !== 'relayed' || this.#selected == null || !this.#mayDial) return
    // One that is suspect may come back by itself; whoever asks does not want to wait for that.
    if ([...this.#paths.values()].some((path) => isDirect(path) && !path.leaving && !(asked && path.suspect))) return
    const via = this.#paths.get(this.#selected)
    // One side tries, or both would at once: the opener of the path, unless somebody asks.
    if (via == null || (!asked && via.opener !== this.#init.side)) return
    // What the application says first goes first: setting up WebRTC keeps a page busy for tens of milliseconds.
    if (!asked && !via.proven) return
    // Signalling needs some kilobytes of its own; the next path has them.
    if (!asked && via.low && this.#renewal.isHopeful) return
    if (!this.#upgrade.isDue(now)) {
      this.#wake(this.#upgrade.retryAt)
      return
    }
    const timeoutMs = this.#upgrade.timeoutMs(this.#init.config.upgradeTimeoutMs)
    const attempt = this.#upgrade.start()
    this.#effects.push({ type: 'upgrade', via: via.id, attempt, timeoutMs })
    this.#to({ status: 'relayed', upgrade: this.#upgrade.status }, `looking for a direct path, attempt ${attempt}`)
  }

  #redial(cause: string, now: number): void {
    if (this.#state.status === 'recovering') {
      if (now >= this.#state.deadline) {
        this.#effects.push({ type: 'expired' })
        return
      }
      this.#wake(this.#state.deadline)
    } else if (!this.#wantsRelayedPath(now)) {
      // A path that was suspect answers again: another one beside it would be moved to, and from.
      if (this.#redialing) this.#effects.push({ type: 'redialOver' })
      this.#redialing = false
      this.#redialAt = undefined
      return
    } else {
      this.#redialAt ??= now
    }
    if (this.#redialing || this.#redialAt == null || !this.#mayDial || this.#suspended) return
    if (now < this.#redialAt) {
      this.#wake(this.#redialAt)
      return
    }
    this.#redialing = true
    this.#redialAt = undefined
    this.#effects.push({ type: 'redial', cause })
  }

  /** A cold standby is needed now, or a hot one was lost that costs nothing to have again. */
  #wantsRelayedPath(now: number): boolean {
    const paths = [...this.#paths.values()].filter((path) => !path.leaving)
    if (paths.length === 0 || paths.some((path) => !isDirect(path) && !path.suspect)) return false
    if (paths.every((path) => path.suspect)) return true
    const { side } = this.#init
    if (this.#lostStandby?.ample === true && this.#lostStandby.opener === side) return true
    const last = this.#lastRelayed
    return last?.opener === side && last.circuit?.cheap === true && this.#traffic.isSustained(now)
  }

  #probe(path: PathView, now: number, urgent = path.probes.urgent): void {
    path.probes = { unanswered: path.probes.unanswered + 1, lastAt: now, urgent }
    this.#effects.push({ type: 'probe', path: path.id })
  }

  #wake(at: number | undefined): void {
    if (at != null && Number.isFinite(at)) this.#wakeAt = Math.min(this.#wakeAt ?? at, at)
  }

  #to(state: LinkState, cause: string): void {
    const previous = this.#state
    if (isSameState(previous, state)) return
    this.#state = state
    this.#effects.push({ type: 'state', state, previous, cause })
  }
}

function isSameState(a: LinkState, b: LinkState): boolean {
  if (a.status === 'relayed' && b.status === 'relayed') return a.upgrade === b.upgrade
  if (a.status === 'direct' && b.status === 'direct') return a.standby === b.standby
  return a.status === b.status
}
