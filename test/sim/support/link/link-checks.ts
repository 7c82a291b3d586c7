import type { LinkState } from '../../../../src/link/api.ts'
import type { LinkEffect, LinkEvent } from '../../../../src/link/link-events.ts'
import { fail } from '../fail.ts'

/** Less silence than this is never death, whatever the reason given. */
const MIN_DEATH_MS = 2_000
/** So much is, wherever else the peer is heard: a heartbeat and three probes. */
const GIVE_UP_MS = 13_700
/** A link that sends and hears nothing says `recovering` by then; idle ones have until `GIVE_UP_MS`. */
const RECOVERING_MS = 3_000
const TIMER_SLACK_MS = 100
/** However far ahead its next tick was, a process that did not run for so long finds its timer late. */
const LONG_SLEEP_MS = 6_000
/** The longest pause between two redials, the first one of the side that waits included. */
const MAX_REDIAL_PAUSE_MS = 6_000 + TIMER_SLACK_MS

interface Path {
  readonly direct: boolean
  /** The carrier is whole, and the peer's process runs. */
  readonly works: () => boolean
  heardAt: number
  /** How long this process slept since. */
  sleptMs: number
  /** The oldest frame sent after that which asks for an answer. */
  askedAt: number | undefined
  /** The oldest of these that must be acknowledged. */
  owedAt: number | undefined
  proven: boolean
  suspect: boolean
  leaving: boolean
}

/** What must hold for one link machine, by what it is told and what it does. */
export class LinkChecks {
  readonly #side: 0 | 1
  readonly #resumeWindowMs: number
  readonly #paths = new Map<number, Path>()
  #recoveringSince: number | undefined
  #redialing = false
  #suspended = false
  /** A redial, its failure, or the beginning of the outage. */
  #redialAt = 0
  /** The network changed, the page came back, or timers were late. */
  #afreshAt = Number.NEGATIVE_INFINITY
  #wokeAt = Number.NEGATIVE_INFINITY
  /** On any path, those that are gone included. */
  #heardAt = Number.NEGATIVE_INFINITY

  constructor(side: 0 | 1, resumeWindowMs: number) {
    this.#side = side
    this.#resumeWindowMs = resumeWindowMs
  }

  onWoke(sleptMs: number, now: number): void {
    this.#wokeAt = now
    if (sleptMs < LONG_SLEEP_MS) return
    for (const path of this.#paths.values()) path.sleptMs += Math.min(sleptMs, now - path.heardAt)
  }

  onAttached(path: number, direct: boolean, works: () => boolean, now: number): void {
    const heard = { heardAt: now, sleptMs: 0, askedAt: undefined, owedAt: undefined }
    this.#paths.set(path, { direct, works, ...heard, proven: false, suspect: false, leaving: false })
  }

  onDetached(path: number): void {
    this.#paths.delete(path)
  }

  onHeard(path: number, now: number): void {
    const known = this.#paths.get(path)
    if (known == null) return
    known.heardAt = now
    known.sleptMs = 0
    this.#heardAt = now
    known.askedAt = undefined
    known.owedAt = undefined
  }

  onSent(path: number, counted: boolean, asks: boolean, now: number): void {
    const known = this.#paths.get(path)
    if (known == null || !asks) return
    known.askedAt ??= now
    if (counted) known.owedAt ??= now
  }

  onEvent(event: LinkEvent, now: number): void {
    const path = 'path' in event ? this.#paths.get(event.path) : undefined
    switch (event.type) {
      case 'pong':
        if (path != null) path.proven = true
        return
      case 'suspect':
      case 'restored':
        if (path != null) path.suspect = event.type === 'suspect'
        return
      case 'goaway':
        if (path != null) path.leaving = true
        return
      case 'suspended':
        this.#suspended = true
        this.#redialing = false
        return
      case 'resumed':
        this.#suspended = false
        this.#redialAt = now
        this.#afreshAt = now
        return
      case 'networkChanged':
      case 'gap':
        this.#afreshAt = now
        return
      case 'attached':
        // Whichever path it is: a redial that goes on is not waited for any more.
        this.#redialing = false
        return
      case 'redialFailed':
        this.#redialing = false
        this.#redialAt = now
    }
  }

  onEffect(effect: LinkEffect, event: LinkEvent, now: number): void {
    switch (effect.type) {
      case 'abandon':
        if (event.type !== 'suspended' && event.type !== 'goaway') this.#checkDeath(effect.path, now)
        this.#paths.delete(effect.path)
        return
      case 'leave': {
        const path = this.#paths.get(effect.path)
        if (path != null) path.leaving = true
        this.#checkLeave(effect.path)
        return
      }
      case 'select':
        this.#checkSelect(effect.path)
        return
      case 'redial':
        if (this.#redialing) this.#fail('dials twice at once')
        this.#redialing = true
        return
      case 'redialOver':
        this.#redialing = false
        return
      case 'expired':
        if (this.#recoveringSince == null || now < this.#recoveringSince + this.#resumeWindowMs) {
          this.#fail(`gives up, and has been recovering since ${this.#recoveringSince}`)
        }
        return
      case 'state':
        this.#onState(effect.state, now)
    }
  }

  /** Whenever the machine has come to rest. */
  checkRest({ status }: LinkState, now: number): void {
    const deadline = (this.#recoveringSince ?? Number.POSITIVE_INFINITY) + this.#resumeWindowMs
    if (status === 'recovering' && now >= deadline) this.#fail(`is recovering ${now - deadline} ms beyond its deadline`)
  }

  /** Now and then, while the process is awake. */
  checkTime({ status }: LinkState, now: number): void {
    if (status === 'closed' || status === 'connecting') return
    const silentMs = now - Math.max(this.#silentSince, this.#wokeAt)
    if (status !== 'recovering' && silentMs > RECOVERING_MS + TIMER_SLACK_MS) {
      this.#fail(`is ${status} though nothing answers for ${silentMs} ms`)
    }
    const dialsBy = Math.max(this.#redialAt, this.#wokeAt) + MAX_REDIAL_PAUSE_MS
    if (status === 'recovering' && !this.#redialing && !this.#suspended && now > dialsBy) {
      this.#fail(`is recovering, and has not dialled since ${this.#redialAt}`)
    }
  }

  /** Infinite while some path does not wait for an answer, or nothing sent must be acknowledged. */
  get #silentSince(): number {
    let since = this.#heardAt
    let owedAt = Number.POSITIVE_INFINITY
    for (const path of this.#paths.values()) {
      if (path.askedAt == null) return Number.POSITIVE_INFINITY
      since = Math.max(since, path.askedAt)
      owedAt = Math.min(owedAt, path.owedAt ?? owedAt)
    }
    return Math.max(since, owedAt)
  }

  #onState({ status }: LinkState, now: number): void {
    if (status !== 'recovering') {
      this.#recoveringSince = undefined
      return
    }
    this.#recoveringSince ??= now
    this.#redialAt = now
  }

  #checkDeath(id: number, now: number): void {
    const path = this.#paths.get(id)
    if (path == null) return
    const silentMs = now - path.heardAt
    if (silentMs - path.sleptMs < MIN_DEATH_MS) {
      this.#fail(`gives up path ${id}, heard ${silentMs} ms ago, ${path.sleptMs} of which this process slept`)
    }
    if (silentMs < GIVE_UP_MS && path.works() && this.#afreshAt < path.heardAt) {
      this.#fail(`gives up path ${id}, which works, after ${silentMs} ms of silence: a process did not run for a while`)
    }
    const heardElsewhere = [...this.#paths.values()].some(({ heardAt }) => heardAt > path.heardAt)
    if (!heardElsewhere && silentMs < GIVE_UP_MS && this.#afreshAt < path.heardAt) {
      this.#fail(`gives up path ${id} after ${silentMs} ms of silence, with the peer heard nowhere else`)
    }
  }

  #checkLeave(id: number): void {
    const others = [...this.#paths].filter(([other, { leaving, suspect }]) => other !== id && !leaving && !suspect)
    if (others.length === 0) this.#fail(`leaves path ${id}, and has no other that works`)
  }

  #checkSelect(id: number): void {
    const path = this.#paths.get(id)
    if (path == null || !path.direct || path.proven) return
    const better = [...this.#paths].find(([, { direct, suspect, leaving }]) => !direct && !suspect && !leaving)
    if (better != null) this.#fail(`sends on path ${id} before it answered, though path ${better[0]} works`)
  }

  #fail(what: string): never {
    fail(`side ${this.#side} ${what}`)
  }
}
