import { beforeEach, describe, expect, it } from 'vitest'
import { longestGapMs, percentile } from '../../../bench/lab/gaps.ts'
import { pairOf } from '../../../bench/lab/place.ts'
import { installProbe } from '../../../bench/lab/probe.ts'

describe('the probe', () => {
  beforeEach(() => installProbe())

  it('counts what arrives as it was sent, however it is cut up', () => {
    const bytes = probe.content(70_000)
    probe.deliver(bytes.subarray(0, 1), 10)
    probe.deliver(bytes.subarray(1, 40_001), 11)
    probe.deliver(bytes.subarray(40_001), 12)
    expect(probe.tally()).toMatchObject({ inOrderBytes: 70_000, wrongBytes: 0 })
  })

  it('counts nothing after a byte that is missing, doubled, or another', () => {
    for (const spoil of [
      (bytes: Uint8Array) => [bytes.subarray(0, 100), bytes.subarray(101)],
      (bytes: Uint8Array) => [bytes.subarray(0, 100), bytes.subarray(99)],
      (bytes: Uint8Array) => [bytes.subarray(0, 100), Uint8Array.of(bytes[100]! ^ 1), bytes.subarray(101)]
    ]) {
      installProbe()
      for (const chunk of spoil(probe.content(4_000))) probe.deliver(chunk, 1)
      const { inOrderBytes, wrongBytes } = probe.tally()
      // One byte in 256 is the expected one by chance.
      expect(inOrderBytes).toBeGreaterThanOrEqual(100)
      expect(inOrderBytes).toBeLessThan(104)
      expect(wrongBytes).toBeGreaterThan(3_800)
    }
  })

  it('is not reconciled by what was missing, when it comes late', () => {
    const bytes = probe.content(400)
    probe.deliver(bytes.subarray(0, 100), 1)
    probe.deliver(bytes.subarray(200), 2)
    probe.deliver(bytes.subarray(100, 200), 3)
    expect(probe.tally().inOrderBytes).toBeLessThan(104)
  })

  it('keeps the gaps between deliveries, of right bytes only', () => {
    const bytes = probe.content(16)
    probe.deliver(bytes.subarray(0, 4), 100)
    probe.deliver(bytes.subarray(4, 8), 102)
    probe.deliver(bytes.subarray(8, 12), 150)
    probe.deliver(new Uint8Array(4), 900)
    expect(probe.tally()).toMatchObject({ gaps: [{ from: 102, to: 150 }], lastAt: 150 })
  })

  it('travels as text', () => {
    new Function(`return (${installProbe})`)()()
    probe.deliver(probe.content(8), 1)
    expect(probe.tally().inOrderBytes).toBe(8)
  })
})

describe('longestGapMs', () => {
  it('takes gaps that touch the time asked for, whole', () => {
    const gaps = [
      { from: 0, to: 90 },
      { from: 95, to: 120 },
      { from: 200, to: 400 }
    ]
    expect(longestGapMs(gaps, 100, 200)).toBe(25)
    expect(longestGapMs(gaps, 100, 201)).toBe(200)
    expect(longestGapMs(gaps, 500, 600)).toBe(0)
  })
})

describe('percentile', () => {
  it('is a value that was measured, the next one up', () => {
    expect(percentile([4, 1, 3, 2], 0.5)).toBe(2)
    expect(percentile([4, 1, 3, 2], 0.99)).toBe(4)
    expect(percentile([7], 0)).toBe(7)
  })

  it('refuses nothing', () => {
    expect(() => percentile([], 0.5)).toThrow(RangeError)
  })
})

describe('pairOf', () => {
  it('knows what peers there are', () => {
    expect(pairOf('chromium-firefox')).toEqual(['chromium', 'firefox'])
    expect(pairOf()).toEqual(['node', 'node'])
    for (const text of ['node', 'webkit-node', 'node-node-node']) expect(() => pairOf(text)).toThrow(RangeError)
  })
})
