import { describe, expect, it } from 'vitest'
import { wasStalled } from '../../../src/link/stall.step.ts'
import type { PathStats } from '../../../src/session/index.ts'

const NOW = 100_000

function heard(agoMs: number): PathStats {
  return {
    path: 0,
    status: 'healthy',
    srttMs: 20,
    minRttMs: 20,
    rtoMs: 200,
    inFlightBytes: 0,
    inFlightLimit: 65_536,
    oldestUnackedAt: undefined,
    lastHeardAt: NOW - agoMs,
    unansweredSince: undefined,
    activeAt: 0,
    low: false
  }
}

describe('a timer that is late when something else comes first', () => {
  it('tells of a stall beyond two seconds', () => {
    expect(wasStalled(2_000, [heard(10_000)], NOW)).toBe(false)
    expect(wasStalled(2_001, [heard(10_000)], NOW)).toBe(true)
    expect(wasStalled(60_000, [], NOW)).toBe(true)
  })

  it('tells of none when a message was read in between, as hidden pages read them', () => {
    expect(wasStalled(20_000, [heard(30_000), heard(5_000)], NOW)).toBe(false)
  })

  it('does tell of one when messages are read while it wakes', () => {
    expect(wasStalled(20_000, [heard(0), heard(999)], NOW)).toBe(true)
  })
})
