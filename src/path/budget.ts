import type { ConnectionLimits } from '@libp2p/interface'
import type { ObservedLimits, PathBudget } from './types.ts'

/**
 * The spec says seconds; the JavaScript relay sends milliseconds. No relay gives a quarter of an hour and means it, and
 * two minutes in milliseconds are far above this.
 */
const SECONDS_AT_MOST = 1_000

/** Circuits of a minute and more cost little to replace; taken for so much shorter than they are, they last anyway. */
const UNSURE_BELOW = 60_000

/**
 * What a circuit has carried before its first session frame: noise, muxer and session protocol agreed on, identify of both
 * sides (measured: 5.5 kB). DESIGN rule 6.
 */
export const SETUP_BYTES = 5_500

export interface CircuitInit {
  /** As libp2p keeps them: `bytes` counts down by itself, and so does `seconds`, in the unit the relay advertised. */
  readonly limits: ConnectionLimits | undefined
  /** Milliseconds since the Unix epoch. */
  readonly openedAt: number
  readonly observed?: ObservedLimits
}

/** The limits of one circuit and what is left of them: the smaller of what was advertised and what was observed. */
export class CircuitBudget {
  /** Of the whole circuit; undefined: no limit. */
  readonly limitBytes: number | undefined
  readonly limitMs: number | undefined
  readonly #init: CircuitInit
  readonly #advertisedSeconds: number | undefined
  /** Left when the first session frame was about to leave. */
  readonly #firstBytes: number | undefined

  constructor(init: CircuitInit, now: number) {
    const { limits, openedAt, observed } = init
    this.#init = init
    if (limits?.bytes != null) this.#firstBytes = Math.max(0, Number(limits.bytes))
    const advertisedBytes = this.#firstBytes == null ? undefined : this.#firstBytes + SETUP_BYTES
    this.limitBytes = smaller(advertisedBytes, observed?.bytes)
    const ageMs = now - openedAt
    if (limits?.seconds != null) this.#advertisedSeconds = limits.seconds + Math.round(ageMs / 1_000)
    const leftMs = this.#advertisedMs(now)
    this.limitMs = smaller(leftMs == null ? undefined : leftMs + ageMs, observed?.ms)
  }

  /**
   * It is not known whether this relay says seconds or milliseconds, and it matters: read as milliseconds, circuits are short.
   * One that is kept for so long shows it.
   */
  get isUnsure(): boolean {
    const advertised = this.#advertisedSeconds ?? 0
    return advertised >= SECONDS_AT_MOST && advertised < UNSURE_BELOW && this.#init.observed?.saysSeconds == null
  }

  /** `ownBytes`: of the session, both directions, as written and read by this side. */
  read(ownBytes: number, now: number): PathBudget | undefined {
    if (this.limitBytes == null && this.limitMs == null) return undefined
    const budget: PathBudget = {}
    const usedBytes = this.usedBytes(ownBytes)
    if (this.limitBytes != null) budget.remainingBytes = Math.max(0, this.limitBytes - usedBytes)
    const { observed, openedAt } = this.#init
    const observedMs = observed?.ms == null ? undefined : observed.ms - (now - openedAt)
    const remainingMs = smaller(this.#advertisedMs(now), observedMs)
    if (remainingMs != null) budget.remainingMs = Math.max(0, remainingMs)
    return budget
  }

  /** What the circuit has carried: as libp2p counts, and no less than what the session knows of; a carrier may hold some back. */
  usedBytes(ownBytes: number): number {
    const { limits } = this.#init
    const counted = this.#firstBytes == null || limits?.bytes == null ? 0 : this.#firstBytes - Number(limits.bytes)
    return SETUP_BYTES + Math.max(counted, ownBytes)
  }

  /** A circuit that outlives the time read as milliseconds proves that seconds were meant. */
  #advertisedMs(now: number): number | undefined {
    const { limits, openedAt } = this.#init
    const advertised = this.#advertisedSeconds
    if (advertised == null || limits?.seconds == null) return undefined
    const ageMs = now - openedAt
    const saysMs = advertised >= SECONDS_AT_MOST && this.#init.observed?.saysSeconds !== true
    return saysMs && ageMs < advertised ? advertised - ageMs : limits.seconds * 1_000
  }
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  if (a == null || b == null) return a ?? b
  return Math.min(a, b)
}
