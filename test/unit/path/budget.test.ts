import type { ConnectionLimits } from '@libp2p/interface'
import { describe, expect, it } from 'vitest'
import { CircuitBudget, SETUP_BYTES } from '../../../src/path/budget.ts'
import { renewBelowBytes, renewBelowMs } from '../../../src/path/renewal.step.ts'
import type { ObservedLimits } from '../../../src/path/types.ts'

/** libp2p's own limits count down by themselves. */
interface Limits {
  bytes?: bigint
  seconds?: number
}

/** A circuit opened at 0; `at` sets what libp2p says is left then, of what was advertised. */
function circuit(limits: Limits | undefined, observed?: ObservedLimits) {
  const live = limits == null ? undefined : { ...limits }
  const budget = new CircuitBudget({ limits: live as ConnectionLimits | undefined, openedAt: 0, observed }, 0)
  return {
    budget,
    at(ageMs: number, { countedBytes = 0, ownBytes = 0 } = {}) {
      if (limits?.seconds != null) live!.seconds = Math.round(limits.seconds - ageMs / 1_000)
      if (limits?.bytes != null) live!.bytes = limits.bytes - BigInt(countedBytes)
      return budget.read(ownBytes, ageMs)
    }
  }
}

describe('the budget of a path', () => {
  it.each([
    ['no limits', undefined],
    ['the mark of an adopted carrier', {}]
  ])('is unlimited with %s', (_what, limits) => {
    expect(circuit(limits).at(5_000)).toBeUndefined()
  })

  it('counts bytes as libp2p does, and none below zero', () => {
    const one = circuit({ bytes: 125_572n })
    expect(one.at(0)).toEqual({ remainingBytes: 125_572 })
    expect(one.at(0, { countedBytes: 25_572 })).toEqual({ remainingBytes: 100_000 })
    expect(one.at(0, { countedBytes: 200_000 })).toEqual({ remainingBytes: 0 })
    expect(one.budget.limitBytes).toBe(125_572 + SETUP_BYTES)
  })

  it('counts what the session has written too, though the carrier holds it back', () => {
    expect(circuit({ bytes: 100_000n }).at(0, { countedBytes: 1_000, ownBytes: 40_000 })).toEqual({
      remainingBytes: 60_000
    })
  })

  it('takes seconds below 1,000 for seconds', () => {
    expect(circuit({ seconds: 120 }).at(0)).toEqual({ remainingMs: 120_000 })
    expect(circuit({ seconds: 120 }).at(30_000)).toEqual({ remainingMs: 90_000 })
    expect(circuit({ seconds: 999 }).at(0)).toEqual({ remainingMs: 999_000 })
    expect(circuit({ seconds: 120 }).at(130_000)).toEqual({ remainingMs: 0 })
  })

  it('takes 1,000 and more for milliseconds, as the JavaScript relay sends them', () => {
    expect(circuit({ seconds: 1_000 }).at(0)).toEqual({ remainingMs: 1_000 })
    expect(circuit({ seconds: 120_000 }).at(0)).toEqual({ remainingMs: 120_000 })
    expect(circuit({ seconds: 120_000 }).at(90_000)).toEqual({ remainingMs: 30_000 })
  })

  it('takes them for seconds after all when the circuit outlives the milliseconds', () => {
    expect(circuit({ seconds: 7_200 }).at(7_199)?.remainingMs).toBeLessThan(100)
    expect(circuit({ seconds: 7_200 }).at(8_000)).toEqual({ remainingMs: 7_192_000 })
  })

  it('says that it is not sure of a unit that would make circuits short, until it was seen', () => {
    expect(circuit({ seconds: 7_200 }).budget.isUnsure).toBe(true)
    expect(circuit({ seconds: 999 }).budget.isUnsure).toBe(false)
    expect(circuit({ seconds: 120_000 }).budget.isUnsure).toBe(false)
    expect(circuit({ seconds: 7_200 }, { saysSeconds: false }).budget.isUnsure).toBe(false)
    const known = circuit({ seconds: 7_200 }, { saysSeconds: true })
    expect(known.budget.isUnsure).toBe(false)
    expect(known.at(0)).toEqual({ remainingMs: 7_200_000 })
  })

  it('is the smaller of what a relay says and what it was seen to do', () => {
    const observed = { bytes: 50_000, ms: 20_000 }
    const smaller = circuit({ bytes: 120_000n, seconds: 120 }, observed)
    expect(smaller.at(5_000, { countedBytes: 4_500 })).toEqual({ remainingBytes: 40_000, remainingMs: 15_000 })
    expect(smaller.budget).toMatchObject({ limitBytes: 50_000, limitMs: 20_000 })
    expect(circuit({ bytes: 30_000n, seconds: 10 }, observed).at(0)).toEqual({
      remainingBytes: 30_000,
      remainingMs: 10_000
    })
  })

  it('knows limits that a relay keeps to itself, once they were seen', () => {
    expect(circuit({}, { bytes: 50_000 }).at(0, { ownBytes: 14_500 })).toEqual({ remainingBytes: 30_000 })
  })
})

describe('a path is replaced', () => {
  it.each([
    [131_072, 32_768],
    [1_048_576, 262_144],
    [65_536, 32_768],
    [16_384, 8_192]
  ])('of %d bytes, when less than %d are left', (limit, below) => {
    expect(renewBelowBytes(limit)).toBe(below)
  })

  it.each([
    [120_000, 24_000],
    [30_000, 10_000],
    [10_000, 5_000]
  ])('of %d ms, when less than %d are left', (limit, below) => {
    expect(renewBelowMs(limit)).toBe(below)
  })
})
