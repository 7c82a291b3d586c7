import { describe, expect, it } from 'vitest'
import { record } from '../../soak/support/soak.ts'
import { randomSeed, seedFromEnv } from './rng.ts'
import { add, type Counts } from './shards/job.ts'
import { runSharded } from './shards/run-sharded.ts'

export interface CampaignInit {
  readonly name: string
  /** What holds, to follow "they". */
  readonly claim: string
  /** A module that runs one schedule. */
  readonly job: URL
  /** The same on every machine; others that nobody has seen yet run beside them. */
  readonly fixedBase: number
  readonly schedules: number
  replay(seed: number): unknown
}

/** Many schedules on every core; a failure names its seed, and `HOLDFAST_SEED` runs that one alone. */
export function campaign({ name, claim, job, fixedBase, schedules, replay }: CampaignInit): void {
  const seed = seedFromEnv()
  const total: Counts = {}
  const runs = [
    { base: fixedBase, count: Math.ceil(schedules / 2) },
    { base: randomSeed(), count: Math.floor(schedules / 2) }
  ]

  describe(name, () => {
    if (seed != null) {
      it(`${claim} in schedule ${seed}`, () => {
        console.log(JSON.stringify(replay(seed)))
      })
      return
    }

    const startedAt = performance.now()
    for (const { base, count } of runs) {
      it(`${claim} in ${count} schedules from seed ${base}`, async () => {
        add(total, await runSharded(job, { base, count }))
      })
    }

    // A check that never saw the thing it checks is worth nothing.
    it('met everything that is checked', ({ skip }) => {
      skip(total.schedules !== schedules, 'schedules failed')
      const seconds = Math.round((performance.now() - startedAt) / 1_000)
      record(name, { seconds, ...Object.fromEntries(Object.entries(total).map(([key, n]) => [key, Math.round(n)])) })
      expect(Object.keys(total).filter((key) => total[key] === 0)).toEqual([])
    })
  })
}
