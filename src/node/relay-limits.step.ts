import type { CircuitCut } from '../link/index.ts'
import type { ObservedLimits } from '../path/index.ts'

/** Where a circuit ended. */
export interface Cut {
  readonly usedBytes: number
  readonly ageMs: number
}

/** It ended where it was to end: nothing new. Both ends count what the other has on its way a little later. */
const AS_TOLD_RATIO = 0.9

/** Two circuits in a row that ended at the same place were ended by a rule, not by chance. */
const SAME_BYTES_RATIO = 0.15
const SAME_TIME_RATIO = 0.05
const SAME_TIME_MS = 500

/** Of what was observed: it may have been a little less. */
const CAUTION = 0.9

/**
 * What one more circuit tells of its relay; the limits given when that is nothing. One that was cut early may have been cut by
 * anything: two in a row at the same number of bytes, or at the same age, are believed.
 */
export function learn(
  { usedBytes, ageMs, limitBytes, limitMs }: CircuitCut,
  before: ObservedLimits,
  last: Cut | undefined
): { limits: ObservedLimits; cut?: Cut } {
  if (limitMs != null && isSame(ageMs, limitMs, SAME_TIME_RATIO, SAME_TIME_MS)) return { limits: before }
  if (limitBytes != null && usedBytes >= limitBytes * AS_TOLD_RATIO) return { limits: before }
  const cut = { usedBytes, ageMs }
  if (last == null) return { limits: before, cut }
  const bytes = isSame(usedBytes, last.usedBytes, SAME_BYTES_RATIO, 0)
    ? Math.round(Math.min(usedBytes, last.usedBytes) * CAUTION)
    : undefined
  const ms = isSame(ageMs, last.ageMs, SAME_TIME_RATIO, SAME_TIME_MS)
    ? Math.round(Math.min(ageMs, last.ageMs) * CAUTION)
    : undefined
  if (bytes == null && ms == null) return { limits: before, cut }
  return {
    cut,
    limits: {
      ...before,
      ...(bytes == null ? {} : { bytes: Math.min(bytes, before.bytes ?? bytes) }),
      ...(ms == null ? {} : { ms: Math.min(ms, before.ms ?? ms) })
    }
  }
}

function isSame(a: number, b: number, ratio: number, slack: number): boolean {
  return Math.abs(a - b) <= Math.max(slack, ratio * Math.max(a, b))
}
