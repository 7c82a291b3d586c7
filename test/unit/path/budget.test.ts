import type { ConnectionLimits } from '@libp2p/interface'
import { describe, expect, it } from 'vitest'
import { readBudget } from '../../../src/path/budget.ts'

/** As libp2p counts down: `seconds` of what was advertised, less the age in seconds. */
const left = (advertised: number, ageMs: number): ConnectionLimits => ({
  seconds: Math.round(advertised - ageMs / 1_000)
})

describe('the budget of a path', () => {
  it.each([
    ['no limits', undefined],
    ['the mark of an adopted carrier', {}]
  ])('is unlimited with %s', (_what, limits) => {
    expect(readBudget(limits, 0, 5_000)).toBeUndefined()
  })

  it('counts bytes', () => {
    expect(readBudget({ bytes: 131_072n }, 0, 5_000)).toEqual({ remainingBytes: 131_072 })
    expect(readBudget({ bytes: 0n }, 0, 5_000)).toEqual({ remainingBytes: 0 })
    expect(readBudget({ bytes: -3n }, 0, 5_000)).toEqual({ remainingBytes: 0 })
  })

  it('takes seconds below 1,000 for seconds', () => {
    expect(readBudget(left(120, 0), 1_000, 1_000)).toEqual({ remainingMs: 120_000 })
    expect(readBudget(left(120, 30_000), 1_000, 31_000)).toEqual({ remainingMs: 90_000 })
    expect(readBudget(left(999, 0), 0, 0)).toEqual({ remainingMs: 999_000 })
    expect(readBudget(left(120, 130_000), 0, 130_000)).toEqual({ remainingMs: 0 })
  })

  it('takes 1,000 and more for milliseconds, as the JavaScript relay sends them', () => {
    expect(readBudget(left(1_000, 0), 0, 0)).toEqual({ remainingMs: 1_000 })
    expect(readBudget(left(120_000, 0), 7, 7)).toEqual({ remainingMs: 120_000 })
    expect(readBudget(left(120_000, 90_000), 0, 90_000)).toEqual({ remainingMs: 30_000 })
  })

  it('takes them for seconds after all when the circuit outlives the milliseconds', () => {
    expect(readBudget(left(7_200, 7_199), 0, 7_199)?.remainingMs).toBeLessThan(100)
    expect(readBudget(left(7_200, 8_000), 0, 8_000)).toEqual({ remainingMs: 7_192_000 })
  })
})
