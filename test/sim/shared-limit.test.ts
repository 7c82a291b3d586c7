import { describe, expect, it } from 'vitest'
import { SharedLimit } from './support/shared-limit.ts'

const SCHEDULES = Math.ceil(Number(process.env.HOLDFAST_SCHEDULES ?? 20_000) / 10)
const FIXED_BASE = 3_000_000

/** Half of the busy circuits carry at least this part of their limit: reserve, set-up and crumbs are the rest. */
const USED_RATIO = 0.6

function runAll(base: number, count: number): number[] {
  const used: number[] = []
  for (let seed = base; seed < base + count; seed++) {
    const { limitBytes, carriedBytes, busy } = new SharedLimit(seed).run()
    if (busy) used.push(carriedBytes / limitBytes)
  }
  return used
}

describe('two sessions that share the byte limit of a circuit (invariant 3)', () => {
  const replayed = process.env.HOLDFAST_SEED
  if (replayed != null) {
    it(`replays seed ${replayed}`, () => {
      new SharedLimit(Number(replayed)).run()
    })
    return
  }
  const random = Math.floor(Math.random() * 2 ** 31)
  it.each([
    ['fixed', FIXED_BASE],
    ['random', random]
  ])('never exceed it, whatever both send, from %s seed %d', (_kind, base) => {
    const used = runAll(base, Math.ceil(SCHEDULES / 2))
    expect(used.length, `busy schedules from seed ${base}`).toBeGreaterThan(SCHEDULES / 20)
    used.sort((a, b) => a - b)
    expect(used[Math.floor(used.length / 2)], `median use from seed ${base}`).toBeGreaterThan(USED_RATIO)
  })
})
