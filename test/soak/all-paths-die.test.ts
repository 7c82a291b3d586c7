// The network goes away under a link, direct and relayed path both, without any event, and comes back; or does not.
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/wait-for.ts'
import { type Outage, storyOf, throughOutage, withPair } from './support/outage/outage.ts'
import { type Carriage, type Pair, type Place, whyNot } from './support/outage/place.ts'
import { amount, isFull, percentile, record } from './support/soak.ts'

/** The first redial after the network is back comes at most this late (SYN after 3 s, backoff 2.5 s), and takes round trips. */
const FLOWING_WITHIN_MS = 6_500

/** An outage shorter than this need not be seen. */
const SEEN_AFTER_MS = 4_000

const RESUME_WINDOW_MS = 60_000

/** - `one`, `both`: of the peers lose their network  - `relay`: the relay does, and the peers lose each other */
type Lost = 'one' | 'both' | 'relay'

async function cut({ hosts: [a, b], relayHost }: Place, lost: Lost): Promise<number> {
  const at = Date.now()
  if (lost === 'relay') await Promise.all([relayHost.cut(), a.cut({ peer: b })])
  else await Promise.all([a.cut(), ...(lost === 'both' ? [b.cut()] : [])])
  return at
}

async function restore({ hosts, relayHost }: Place): Promise<number> {
  await Promise.all([...hosts, relayHost].map((host) => host.restore()))
  return Date.now()
}

/** One of each stretch, 1 to 25 s in all; other ones each time. */
function downTimesMs(count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.round(1_000 + ((i + Math.random()) * 24_000) / count))
}

function check({ bytesLost, beganAt, endedAt, recovering, flowingMs, story }: Outage): void {
  const downMs = endedAt - beganAt
  expect(bytesLost, `${downMs} ms: ${story}`).toBe(0)
  expect(flowingMs, `${downMs} ms: ${story}`).toBeLessThanOrEqual(FLOWING_WITHIN_MS)
  if (downMs < SEEN_AFTER_MS) return
  for (const state of recovering) {
    expect(state, story).toBeDefined()
    expect(Math.abs(state!.deadline! - state!.at - RESUME_WINDOW_MS)).toBeLessThan(200)
    expect(state!.since).toBeLessThanOrEqual(state!.at)
  }
}

const cases = (['direct', 'relayed'] as const).flatMap((carriage) =>
  (['one', 'both', 'relay'] as const).map((lost) => ({ carriage, lost }))
)
const chosen = cases.filter(({ carriage, lost }) => isFull || lost === (carriage === 'direct' ? 'both' : 'one'))

describe.skipIf(whyNot != null)('all paths die', () => {
  it.concurrent.each(chosen)('$carriage, $lost: streams stall, go on, and lose nothing', async ({ carriage, lost }) => {
    const outages: Outage[] = []
    for (const ms of isFull ? downTimesMs(8) : [6_000]) {
      const begin = (place: Place) => cut(place, lost)
      const outage = await withPair(carriage, {}, (pair, place) =>
        throughOutage(
          pair,
          ms,
          () => begin(place),
          () => restore(place)
        )
      )
      outages.push(outage)
      check(outage)
    }
    const flowingMs = outages.map((outage) => outage.flowingMs)
    record(`all paths die ${carriage} ${lost}`, {
      outages: outages.length,
      downMsMin: Math.min(...outages.map(({ beganAt, endedAt }) => endedAt - beganAt)),
      downMsMax: Math.max(...outages.map(({ beganAt, endedAt }) => endedAt - beganAt)),
      flowingMsP50: percentile(flowingMs, 0.5),
      flowingMsMax: Math.max(...flowingMs),
      bytes: outages.reduce((sum, { bytes }) => sum + bytes, 0),
      bytesLost: outages.reduce((sum, { bytesLost }) => sum + bytesLost, 0)
    })
  })

  it.concurrent.each(['direct', 'relayed'] satisfies Carriage[])(
    '%s, for good: every stream ends with LinkExpiredError at the deadline, and memory is freed',
    async (carriage) => {
      const resumeWindowMs = amount(3_000, 10_000)
      await withPair(carriage, { resumeWindowMs }, (pair, place) => expire(pair, place, carriage, resumeWindowMs))
    }
  )
})

/** Buffers of a link hold up to 4 MiB each way; what a process holds besides moves by less. */
const MEMORY_SLACK_BYTES = 2 * 1_048_576

async function expire(pair: Pair, place: Place, carriage: Carriage, resumeWindowMs: number): Promise<void> {
  const { a, b } = pair
  const before = await Promise.all([a, b].map((peer) => peer.ask('memory')))
  await a.ask('startEcho', b.peerId)
  await a.ask('startBulk', b.peerId)
  await a.ask('deliveredAfter', Date.now() + 500)
  const cutAt = await cut(place, 'both')
  const figures: Record<string, number> = {}
  for (const [side, peer] of [a, b].entries()) {
    const recovering = await peer.when(({ status }) => status === 'recovering', cutAt, 10_000)
    const { at, reason } = await peer.when(({ status }) => status === 'closed', cutAt, resumeWindowMs + 10_000)
    expect(Math.abs(recovering.deadline! - recovering.at - resumeWindowMs)).toBeLessThan(200)
    expect(reason).toBe('LinkExpiredError')
    expect(at - recovering.deadline!).toBeGreaterThanOrEqual(-50)
    expect(at - recovering.deadline!).toBeLessThan(1_000)
    const { ended } = await peer.ask('tally')
    expect(
      ended.map(({ name }) => name),
      storyOf(await peer.ask('situation'), cutAt)
    ).toEqual(['LinkExpiredError', 'LinkExpiredError'])
    expect(await peer.ask('links')).toEqual([])
    figures[side === 0 ? 'expiredAfterDeadlineMsA' : 'expiredAfterDeadlineMsB'] = at - recovering.deadline!
  }
  await restore(place)
  for (const [side, peer] of [a, b].entries()) {
    await eventually('nothing holds the link any more', async () => (await peer.ask('memory')).held === 0)
    const grownBytes = (await peer.ask('memory')).bytes - before[side]!.bytes
    expect(grownBytes).toBeLessThan(MEMORY_SLACK_BYTES)
    figures[side === 0 ? 'grownBytesA' : 'grownBytesB'] = grownBytes
  }
  // Both are reachable again, and nothing of the link before is in the way.
  await eventually('a new link', () =>
    a.ask('dial', { peerId: b.peerId }).then(
      () => true,
      () => false
    )
  )
  record(`all paths die ${carriage}, for good`, { resumeWindowMs, ...figures })
}
