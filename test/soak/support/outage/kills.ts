// Deaths of one kind, one after the other, in a network of their own.
import { expect } from 'vitest'
import { isFull, percentile, record } from '../soak.ts'
import { die, type Kind, type Restart, stockNotices } from './kill.ts'
import { createPlace, openPair } from './place.ts'

/** A new dial and a handshake over the relay: 0.3 s, 1.0 s once in 80 on a busy machine. */
const SUPERSEDED_WITHIN_MS = 2_000
const SUPERSEDED_WITHIN_MS_P50 = 1_000

const RESUME_WINDOW_MS = 60_000

const DEATHS_PER_LINK = 2

export async function runKind(kind: Kind, times: number): Promise<{ noticedMs: number[] }> {
  const place = await createPlace()
  try {
    let pair = await openPair(place, kind.carriage)
    const noticedMs: number[] = []
    const restarts: Restart[] = []
    for (let i = 0; i < times; i++) {
      // A link whose direct path died three times in a minute puts off the next one.
      if (i > 0 && i % DEATHS_PER_LINK === 0 && kind.way !== 'kill') {
        await pair.close()
        pair = await openPair(place, kind.carriage)
      }
      const { recoveringMs, windowMs, restart } = await die(place, pair, kind, i % 2 === 0 ? 'restarted' : 'survivor')
      noticedMs.push(recoveringMs)
      expect(Math.abs(windowMs - RESUME_WINDOW_MS), 'the deadline it tells').toBeLessThan(500)
      if (restart != null) restarts.push(restart)
    }
    record(nameOf(kind), {
      times,
      recoveringMsP50: percentile(noticedMs, 0.5),
      recoveringMsMax: Math.max(...noticedMs),
      ...restartFigures(restarts, 'restarted'),
      ...restartFigures(restarts, 'survivor')
    })
    for (const ms of [restarts.map(({ supersededMs }) => supersededMs), restarts.map(({ linkMs }) => linkMs)]) {
      if (ms.length === 0) continue
      expect(Math.max(...ms)).toBeLessThan(SUPERSEDED_WITHIN_MS)
      if (isFull) expect(percentile(ms, 0.5)).toBeLessThan(SUPERSEDED_WITHIN_MS_P50)
    }
    await pair.close()
    return { noticedMs }
  } finally {
    await place.close()
  }
}

function restartFigures(restarts: readonly Restart[], by: Restart['dialledBy']): Record<string, number> {
  const ofThem = restarts.filter(({ dialledBy }) => dialledBy === by)
  if (ofThem.length === 0) return {}
  const link = ofThem.map(({ linkMs }) => Math.round(linkMs))
  return {
    [`${by}DialsLinkMsP50`]: percentile(link, 0.5),
    [`${by}DialsLinkMsMax`]: Math.max(...link),
    [`${by}DialsSupersededMsMax`]: Math.max(...ofThem.map(({ supersededMs }) => supersededMs))
  }
}

/** For comparison: nothing is asserted of it. */
export async function runStock(kind: Kind, times: number): Promise<void> {
  const ms: number[] = []
  for (let i = 0; i < times; i++) {
    const place = await createPlace()
    try {
      const pair = await openPair(place, kind.carriage, { stock: true })
      ms.push(await stockNotices(place, pair, kind))
      await pair.close()
    } finally {
      await place.close()
    }
  }
  record(`${nameOf(kind)}, stock`, { times, closedMsP50: percentile(ms, 0.5), closedMsMax: Math.max(...ms) })
}

const nameOf = ({ carriage, way, traffic }: Kind): string => `kills ${traffic} ${carriage} ${way}`
