import type { Gap } from './probe.ts'

/** The longest part of any gap that lies between two moments, in ms; what is not over yet is not in `gaps`. */
export function longestGapMs(gaps: readonly Gap[], from: number, to: number): number {
  return gaps.reduce((longest, gap) => {
    const isOutside = gap.to <= from || gap.from >= to
    return isOutside ? longest : Math.max(longest, gap.to - gap.from)
  }, 0)
}

/** The value that `share` (0 to 1) of all values do not exceed: the next one up, never a mean of two. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('There is no percentile of nothing')
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}
