import { CircuitBudget, SETUP_BYTES } from '../../../../src/path/budget.ts'
import type { PathBudget } from '../../../../src/path/index.ts'
import { fail } from '../fail.ts'

/** What a relay allows one circuit. */
export interface CircuitLimits {
  readonly bytes: number
  readonly durationMs: number
  /** What it calls its milliseconds: the spec says seconds, the JavaScript relay sends milliseconds. */
  readonly says: 'seconds' | 'milliseconds'
}

/** libp2p counts whole seconds. */
const ROUNDING_MS = 1_001

interface Told {
  bytes: bigint
  seconds: number
}

/** The bytes of one circuit, both directions together: as the relay counts them, and as libp2p does at each end. */
export class Circuit {
  readonly limits: CircuitLimits
  readonly openedAt: number
  readonly #sent = [0, 0]
  readonly #received = [0, 0]
  readonly #known: readonly [CircuitBudget, CircuitBudget]
  /** As libp2p keeps them for each end, counting down. */
  readonly #told: readonly [Told, Told]

  constructor(limits: CircuitLimits, now: number) {
    this.limits = limits
    this.openedAt = now
    this.#told = [this.#tell(), this.#tell()]
    const known = (side: 0 | 1) => new CircuitBudget({ limits: this.#told[side], openedAt: now }, now)
    this.#known = [known(0), known(1)]
  }

  #tell(): Told {
    const { bytes, durationMs, says } = this.limits
    return { bytes: BigInt(bytes - SETUP_BYTES), seconds: says === 'seconds' ? durationMs / 1_000 : durationMs }
  }

  /** Says whether the relay lets that pass. */
  onSent(from: 0 | 1, bytes: number): boolean {
    this.#sent[from]! += bytes
    return SETUP_BYTES + this.#sent[0]! + this.#sent[1]! <= this.limits.bytes
  }

  onReceived(to: 0 | 1, bytes: number): void {
    this.#received[to]! += bytes
  }

  known(side: 0 | 1): CircuitBudget {
    return this.#known[side]
  }

  /** What the product makes of libp2p's count, held against what is true. */
  budget(side: 0 | 1, now: number): PathBudget {
    const ageMs = now - this.openedAt
    const { bytes, durationMs, says } = this.limits
    const left = Math.max(0, bytes - SETUP_BYTES - this.#sent[side]! - this.#received[side]!)
    const told = this.#told[side]
    told.bytes = BigInt(left)
    told.seconds = Math.round((says === 'seconds' ? durationMs / 1_000 : durationMs) - ageMs / 1_000)
    const ownBytes = this.#sent[side]! + this.#received[side]!
    const budget = this.#known[side].read(ownBytes, now) ?? fail('A limited circuit has no budget')
    if (budget.remainingBytes !== left) {
      fail(`side ${side} takes ${budget.remainingBytes} bytes for left of a circuit, both directions leave ${left}`)
    }
    const leftMs = durationMs - ageMs
    // One that outlives its time had its limits lifted.
    if (leftMs > 0 && Math.abs((budget.remainingMs ?? Number.NaN) - leftMs) > ROUNDING_MS) {
      fail(`side ${side} takes ${budget.remainingMs} ms for left of a circuit, ${leftMs} are`)
    }
    return budget
  }
}
