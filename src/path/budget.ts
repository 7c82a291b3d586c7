import type { ConnectionLimits } from '@libp2p/interface'
import type { PathBudget } from './types.ts'

/**
 * The spec says seconds; the JavaScript relay sends milliseconds. No relay gives a quarter of an hour and means it, and
 * two minutes in milliseconds are far above this.
 */
const SECONDS_AT_MOST = 1_000

/**
 * What the relay left of a circuit's limits, `undefined` when there are none. `limits` counts down by itself, in the unit
 * the relay advertised; a circuit that outlives the time read as milliseconds proves that seconds were meant.
 */
export function readBudget(
  limits: ConnectionLimits | undefined,
  openedAt: number,
  now: number
): PathBudget | undefined {
  if (limits == null || (limits.bytes == null && limits.seconds == null)) return undefined
  const budget: PathBudget = {}
  if (limits.bytes != null) budget.remainingBytes = Math.max(0, Number(limits.bytes))
  if (limits.seconds != null) budget.remainingMs = remainingMs(limits.seconds, now - openedAt)
  return budget
}

function remainingMs(secondsLeft: number, ageMs: number): number {
  const advertised = secondsLeft + Math.round(ageMs / 1_000)
  const asMs = advertised >= SECONDS_AT_MOST && ageMs < advertised
  return Math.max(0, asMs ? advertised - ageMs : secondsLeft * 1_000)
}
