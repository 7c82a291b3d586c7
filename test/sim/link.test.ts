import { describe, expect, it } from 'vitest'
import { LinkStats, LinkWorld } from './support/link/link-world.ts'
import { randomSeed, seedFromEnv } from './support/rng.ts'

/** The same schedules on every machine, beside others that nobody has seen yet. */
const FIXED_BASE = 2_000_000
const randomBase = randomSeed()
const schedules = Math.ceil(Number(process.env.HOLDFAST_SCHEDULES ?? 10_000) / 10)
const replay = seedFromEnv()
const total = new LinkStats()

function run(base: number, count: number): void {
  for (let i = 0; i < count; i++) total.add(new LinkWorld(base + i, false).run())
}

describe('two link machines with their sessions, through two minutes of bad weather', () => {
  if (replay != null) {
    it(`agree, are on the best path and have all bytes after schedule ${replay}`, () => {
      console.log(new LinkWorld(replay, true).run())
    })
    return
  }

  it(`agree, are on the best path and have all bytes after ${Math.ceil(schedules / 2)} schedules from seed ${FIXED_BASE}`, () => {
    run(FIXED_BASE, Math.ceil(schedules / 2))
  })

  it(`agree, are on the best path and have all bytes after ${Math.floor(schedules / 2)} schedules from seed ${randomBase}`, () => {
    run(randomBase, Math.floor(schedules / 2))
  })

  it('met everything that is checked', () => {
    console.log(JSON.stringify(total))
    expect(total.zeros()).toEqual([])
  })
})
