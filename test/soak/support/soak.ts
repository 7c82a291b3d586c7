// Tests of endurance have two sizes: a short form for `npm test`, everything in full for `npm run test:soak`.
import { appendFileSync } from 'node:fs'
import { describe, it } from 'vitest'

/** Whether `npm run test:soak` runs this. */
export const isFull = process.env.HOLDFAST_SOAK === 'full'

/** How much of it: repetitions, bytes, milliseconds. */
export function amount(short: number, full: number): number {
  return isFull ? full : short
}

/** `describe` and `it` of what `npm test` leaves out. */
export const describeInFull: typeof describe | ((name: string, body: () => void) => void) = isFull ? describe : () => {}
export const itInFull: typeof it | ((name: string, body: () => unknown) => void) = isFull ? it : () => {}

export type Figures = Readonly<Record<string, number | string>>

/** Figures of one case, for people on the console and for programs in the report of `npm run test:soak`. */
export function record(name: string, figures: Figures): void {
  console.info(`${name}: ${JSON.stringify(figures)}`)
  const report = process.env.HOLDFAST_SOAK_REPORT
  if (report != null) appendFileSync(report, `${JSON.stringify({ name, ...figures })}\n`)
}

/** The value that this share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
