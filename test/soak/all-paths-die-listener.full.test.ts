// The same as all-paths-die-sleep for a peer with an address of its own, that others dial without the help of a relay.
import { describe, expect, it } from 'vitest'
import { type Outage, throughOutage, withPair } from './support/outage/outage.ts'
import { whyNot } from './support/outage/place.ts'
import { percentile, record } from './support/soak.ts'

const FLOWING_WITHIN_MS = 3_000
const SLEEPS_MS = [10_000, 17_000, 25_000, 40_000]

const cases = (['dialler', 'listener', 'both'] as const).flatMap((sleeper) =>
  [true, false].map((hasRelay) => ({ sleeper, hasRelay, relay: hasRelay ? 'with a relay' : 'without any relay' }))
)

describe.skipIf(whyNot != null)('sleep over a listener', () => {
  it.concurrent.each(cases)('of $sleeper, $relay: data flows at once on waking, nothing is lost', async (one) => {
    const { sleeper, hasRelay, relay } = one
    const outages: Outage[] = await Promise.all(
      SLEEPS_MS.map((ms) =>
        withPair('listener', hasRelay ? {} : { relays: [] }, (pair) => {
          const sleeping = sleeper === 'both' ? [pair.a, pair.b] : [sleeper === 'dialler' ? pair.a : pair.b]
          return throughOutage(
            pair,
            ms,
            async () => Math.max(...(await Promise.all(sleeping.map((peer) => peer.freeze())))),
            async () => Math.max(...sleeping.map((peer) => peer.thaw()))
          )
        })
      )
    )
    const flowingMs = outages.map((outage) => outage.flowingMs)
    record(`sleep listener ${sleeper}, ${relay}`, {
      sleeps: outages.length,
      sleepMsMax: Math.max(...SLEEPS_MS),
      flowingMsP50: percentile(flowingMs, 0.5),
      flowingMsMax: Math.max(...flowingMs),
      bytes: outages.reduce((sum, { bytes }) => sum + bytes, 0),
      bytesLost: outages.reduce((sum, { bytesLost }) => sum + bytesLost, 0)
    })
    for (const [i, { bytesLost, flowingMs, story }] of outages.entries()) {
      expect(bytesLost, story).toBe(0)
      expect(flowingMs, `${SLEEPS_MS[i]} ms of sleep: ${story}`).toBeLessThanOrEqual(FLOWING_WITHIN_MS)
    }
  })
})
