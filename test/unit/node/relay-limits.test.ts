import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import type { CircuitCut } from '../../../src/link/index.ts'
import { type Cut, learn } from '../../../src/node/relay-limits.step.ts'
import type { ObservedLimits } from '../../../src/path/index.ts'

const RELAY = multiaddr('/ip4/192.0.2.1/tcp/9090/ws/p2p/12D3KooWBhV9dp6FDvgaEphWMsxf6Un2PAUbWBNWBHnHmQ7hX3nZ')
const NOTHING: ObservedLimits = {}

const cut = (over: Partial<CircuitCut>): CircuitCut => ({
  relay: RELAY,
  usedBytes: 10_000,
  ageMs: 3_000,
  at: 0,
  limitBytes: 131_072,
  limitMs: 120_000,
  ...over
})

/** One cut after the other. */
function learnedFrom(...cuts: Array<Partial<CircuitCut>>): ObservedLimits {
  let limits = NOTHING
  let last: Cut | undefined
  for (const one of cuts) {
    const learned = learn(cut(one), limits, last)
    limits = learned.limits
    last = learned.cut ?? last
  }
  return limits
}

describe('what a relay allows its circuits', () => {
  it('is not learned from one that was cut: anything may have done that', () => {
    expect(learnedFrom({ usedBytes: 50_000 })).toBe(NOTHING)
  })

  it('is not learned from circuits that ended anywhere', () => {
    expect(learnedFrom({ usedBytes: 50_000, ageMs: 3_000 }, { usedBytes: 80_000, ageMs: 9_000 })).toBe(NOTHING)
  })

  it('is believed when two in a row end at the same number of bytes: a little less than these', () => {
    expect(learnedFrom({ usedBytes: 52_000, ageMs: 900 }, { usedBytes: 50_000, ageMs: 4_000 })).toEqual({
      bytes: 45_000
    })
  })

  it('or at the same age', () => {
    expect(learnedFrom({ usedBytes: 20_000, ageMs: 30_100 }, { usedBytes: 60_000, ageMs: 30_000 })).toEqual({
      ms: 27_000
    })
  })

  it('is learned where the relay says nothing', () => {
    const silent = { limitBytes: undefined, limitMs: undefined }
    expect(
      learnedFrom({ ...silent, usedBytes: 64_000, ageMs: 700 }, { ...silent, usedBytes: 64_000, ageMs: 2_000 })
    ).toEqual({
      bytes: 57_600
    })
  })

  it('is what it says, for all that circuits show which end there', () => {
    const atTheLimit = { usedBytes: 130_000, ageMs: 4_000 }
    expect(learnedFrom(atTheLimit, atTheLimit)).toBe(NOTHING)
    expect(learnedFrom({ ageMs: 120_100 }, { ageMs: 120_000 })).toBe(NOTHING)
  })

  it('only gets less', () => {
    const limits = learnedFrom(
      { usedBytes: 50_000, ageMs: 900 },
      { usedBytes: 50_000, ageMs: 4_000 },
      { usedBytes: 30_000, ageMs: 9_000, limitBytes: 45_000 },
      { usedBytes: 30_000, ageMs: 700, limitBytes: 45_000 }
    )
    expect(limits).toEqual({ bytes: 27_000 })
  })
})
