/** DESIGN rule 6: a path is replaced when less than this is left of it: the larger of a part and a least amount. */
const BYTES = { part: 0.25, least: 32_768 } as const
const MS = { part: 0.2, least: 10_000 } as const

/** Of small limits: half is for use. */
const MAX_PART = 0.5

/** With fewer bytes left than this a path is replaced. */
export function renewBelowBytes(limitBytes: number): number {
  return threshold(limitBytes, BYTES)
}

/** With less time left than this a path is replaced. */
export function renewBelowMs(limitMs: number): number {
  return threshold(limitMs, MS)
}

function threshold(limit: number, { part, least }: { part: number; least: number }): number {
  return Math.min(limit * MAX_PART, Math.max(limit * part, least))
}
