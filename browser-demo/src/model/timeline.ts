import type { LinkState } from 'libp2p-holdfast'

export type Status = LinkState['status']

export interface Band {
  readonly status: Status
  /** Milliseconds since the Unix epoch. */
  readonly from: number
  /** Why it began, in words. */
  readonly cause: string
}

export interface VisibleBand extends Band {
  readonly shownMs: number
}

/** Older bands leave the picture; the list of changes keeps them. */
export const TIMELINE_WINDOW_MS = 5 * 60_000

export function addBand(bands: readonly Band[], band: Band): readonly Band[] {
  return bands.at(-1)?.status === band.status ? bands : [...bands, band]
}

/** What of the bands lies in the window that ends now; the last band goes on. */
export function visibleBands(bands: readonly Band[], now: number): VisibleBand[] {
  const begin = now - TIMELINE_WINDOW_MS
  return bands.flatMap((band, i) => {
    const to = bands[i + 1]?.from ?? Math.max(now, band.from)
    const shownMs = to - Math.max(band.from, begin)
    return shownMs > 0 || (i === bands.length - 1 && to >= begin) ? [{ ...band, shownMs: Math.max(1, shownMs) }] : []
  })
}

export interface StatusTotal {
  readonly status: Status
  readonly ms: number
}

/** How long each state lasted, in the order they first came. */
export function totals(bands: readonly VisibleBand[]): StatusTotal[] {
  const sums = new Map<Status, number>()
  for (const { status, shownMs } of bands) sums.set(status, (sums.get(status) ?? 0) + shownMs)
  return [...sums].map(([status, ms]) => ({ status, ms }))
}
