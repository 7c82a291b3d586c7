export interface BackoffLimits {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * Full jitter (uniform between 0 and a doubling cap), which spreads retries of many peers best: AWS Architecture Blog,
 * "Exponential Backoff And Jitter". `failures` counts from 1, `random` is uniform in [0, 1).
 */
export function backoffMs(failures: number, { firstMs, maxMs }: BackoffLimits, random: () => number): number {
  return random() * Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30))
}
