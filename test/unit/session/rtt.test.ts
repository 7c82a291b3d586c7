import { describe, expect, it } from 'vitest'
import { RttEstimator } from '../../../src/session/rtt.ts'

describe('the round-trip time of a path', () => {
  it('is smoothed', () => {
    const rtt = new RttEstimator()
    rtt.sample(100, 0)
    rtt.sample(180, 1)
    expect(rtt.srttMs).toBe(110)
  })

  it('is not spoilt by a process that slept for 40 s, be it the first sample: suspicion still comes within seconds', () => {
    const first = new RttEstimator()
    first.sample(40_000, 0)
    expect(first.rtoMs(5)).toBeLessThan(10_000)
    const later = new RttEstimator()
    for (let at = 0; at < 50; at++) later.sample(20, at)
    later.sample(40_000, 50)
    expect(later.rtoMs(5)).toBeLessThan(4_000)
    for (let at = 0; at < 20; at++) later.sample(20, 51 + at)
    expect(later.rtoMs(5)).toBeLessThan(500)
  })
})
