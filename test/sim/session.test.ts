import { describe, expect, it } from 'vitest'
import { randomSeed, seedFromEnv } from './support/rng.ts'
import { runSchedule } from './support/run-schedule.ts'
import { Stats } from './support/stats.ts'

/** The same schedules on every machine, beside others that nobody has seen yet. */
const FIXED_BASE = 1_000_000
const randomBase = randomSeed()
const schedules = Number(process.env.HOLDFAST_SCHEDULES ?? 10_000)
const replay = seedFromEnv()
const total = new Stats()

function run(base: number, count: number): void {
  for (let i = 0; i < count; i++) total.add(runSchedule(base + i))
}

describe('two session cores over paths that come, go, freeze and lie', () => {
  if (replay != null) {
    it(`keep every invariant in schedule ${replay}`, () => {
      console.log(runSchedule(replay, process.env.HOLDFAST_TRACE === '1').toString())
    })
    return
  }

  it(`keep every invariant in ${Math.ceil(schedules / 2)} schedules from seed ${FIXED_BASE}`, () => {
    run(FIXED_BASE, Math.ceil(schedules / 2))
  })

  it(`keep every invariant in ${Math.floor(schedules / 2)} schedules from seed ${randomBase}`, () => {
    run(randomBase, Math.floor(schedules / 2))
  })

  it('met everything that is checked', () => {
    console.log(total.toString())
    expect(total.zeros()).toEqual([])
  })
})
