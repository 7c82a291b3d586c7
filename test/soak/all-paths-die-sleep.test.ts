// A machine sleeps and wakes, or both do: their processes are stopped, and find what came meanwhile waiting, or nothing.
import { describe, expect, it } from 'vitest'
import { type Outage, throughOutage, withPair } from './support/outage/outage.ts'
import { type Carriage, whyNot } from './support/outage/place.ts'
import { isFull, percentile, record } from './support/soak.ts'

/** Paths are gone or answer at once: a dial over the relay, and the side that did not open the last path waits a second. */
const FLOWING_WITHIN_MS = 3_000

type Sleeper = 'dialler' | 'listener' | 'both'

/** From a short nap, over which paths live, to one in which the other side has given all of them up. */
const sleepsMs = isFull ? [10_000, 13_000, 17_000, 25_000, 40_000] : [11_000]

const cases = (['direct', 'relayed'] satisfies Carriage[]).flatMap((carriage) =>
  (['dialler', 'listener', 'both'] satisfies Sleeper[]).map((sleeper) => ({ carriage, sleeper }))
)
const chosen = cases.filter(
  ({ carriage, sleeper }) => isFull || sleeper === (carriage === 'direct' ? 'listener' : 'both')
)

describe.skipIf(whyNot != null)('sleep', () => {
  it.concurrent.each(chosen)('$carriage, of $sleeper: data flows at once on waking, nothing is lost', async (what) => {
    const { carriage, sleeper } = what
    const outages: Outage[] = []
    for (const ms of sleepsMs) {
      const outage = await withPair(carriage, {}, (pair) => {
        const sleeping = sleeper === 'both' ? [pair.a, pair.b] : [sleeper === 'dialler' ? pair.a : pair.b]
        return throughOutage(
          pair,
          ms,
          async () => Math.max(...(await Promise.all(sleeping.map((peer) => peer.freeze())))),
          async () => Math.max(...sleeping.map((peer) => peer.thaw()))
        )
      })
      outages.push(outage)
      expect(outage.bytesLost, outage.story).toBe(0)
      expect(outage.flowingMs, `${ms} ms of sleep: ${outage.story}`).toBeLessThanOrEqual(FLOWING_WITHIN_MS)
    }
    const flowingMs = outages.map((outage) => outage.flowingMs)
    record(`sleep ${carriage} ${sleeper}`, {
      sleeps: outages.length,
      sleepMsMax: Math.max(...sleepsMs),
      flowingMsP50: percentile(flowingMs, 0.5),
      flowingMsMax: Math.max(...flowingMs),
      bytes: outages.reduce((sum, { bytes }) => sum + bytes, 0),
      bytesLost: outages.reduce((sum, { bytesLost }) => sum + bytesLost, 0)
    })
  })
})
