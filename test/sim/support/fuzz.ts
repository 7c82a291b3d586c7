import { describe, expect, it } from 'vitest'
import { record } from '../../soak/support/soak.ts'
import { randomSeed, seedFromEnv } from './rng.ts'
import type { Counts } from './shards/job.ts'
import { runSharded } from './shards/run-sharded.ts'

export interface FuzzInit {
  readonly name: string
  readonly claim: string
  /** A module whose runs count their `inputs`. */
  readonly job: URL
  readonly inputsPerRun: number
  replay(seed: number): Counts
}

/** `HOLDFAST_FUZZ` inputs nobody has seen yet, on every core; a failure names its seed, and `HOLDFAST_SEED` runs it alone. */
export function fuzz({ name, claim, job, inputsPerRun, replay }: FuzzInit): void {
  const seed = seedFromEnv()
  const inputs = Number(process.env.HOLDFAST_FUZZ ?? 50_000)

  describe(name, () => {
    if (seed != null) {
      it(`${claim} with seed ${seed}`, () => {
        console.log(JSON.stringify(replay(seed)))
      })
      return
    }

    const base = randomSeed()
    it(`${claim}, ${inputs} inputs from seed ${base}`, { timeout: Math.max(60_000, inputs) }, async () => {
      const start = performance.now()
      const counts = await runSharded(job, { base, count: Math.ceil(inputs / inputsPerRun) })
      const seconds = (performance.now() - start) / 1_000
      record(name, { ...counts, seconds: Math.round(seconds), inputsPerSecond: Math.round(counts.inputs! / seconds) })
      expect(Object.keys(counts).filter((key) => counts[key] === 0)).toEqual([])
      expect(counts.inputs).toBeGreaterThanOrEqual(inputs)
    })
  })
}
