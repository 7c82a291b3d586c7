import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { RunningDigest } from '../../../../browser-demo/src/files/digest.ts'
import { RateMeter } from '../../../../browser-demo/src/files/rate.ts'
import { pauseMs } from '../../../../browser-demo/src/files/reach.ts'
import { bytesInWords, timeInWords } from '../../../../browser-demo/src/files/words.ts'

describe('the rate', () => {
  it('is what the last seconds brought', () => {
    const rate = new RateMeter()
    expect(rate.bytesPerSecond).toBeUndefined()
    for (let ms = 0; ms <= 10_000; ms += 200) rate.add(ms * 1_000, ms)
    expect(rate.bytesPerSecond).toBeCloseTo(1_000_000, 0)
    for (let ms = 10_200; ms <= 14_000; ms += 200) rate.add(10_000_000 + (ms - 10_000) * 100, ms)
    expect(rate.bytesPerSecond).toBeCloseTo(100_000, 0)
  })

  it('starts anew with a file that starts anew, and after a pause', () => {
    const rate = new RateMeter()
    rate.add(0, 0)
    rate.add(1_000_000, 1_000)
    rate.add(0, 2_000)
    expect(rate.bytesPerSecond).toBeUndefined()
    rate.add(500, 3_000)
    expect(rate.bytesPerSecond).toBe(500)
    rate.reset()
    expect(rate.bytesPerSecond).toBeUndefined()
  })

  it('is not guessed from two moments next to each other', () => {
    const rate = new RateMeter()
    rate.add(0, 0)
    rate.add(1_000_000, 1)
    expect(rate.bytesPerSecond).toBeUndefined()
  })
})

describe('the digest', () => {
  const data = Uint8Array.from({ length: 1_000 }, (_, i) => i * 7)
  const expected = createHash('sha256').update(data).digest('hex')

  it('is that of all pieces', () => {
    const digest = new RunningDigest()
    for (let at = 0; at < data.byteLength; at += 64) digest.update(data.subarray(at, at + 64))
    expect(digest.hex()).toBe(expected)
    expect(digest.hex(), 'also when asked twice').toBe(expected)
  })

  it('takes bytes that are read again once', () => {
    const digest = new RunningDigest()
    digest.update(data.subarray(0, 600), 0)
    digest.update(data.subarray(200, 500), 200)
    digest.update(data.subarray(400), 400)
    expect(digest.bytes).toBe(1_000)
    expect(digest.hex()).toBe(expected)
  })

  it('does not pass over bytes', () => {
    const digest = new RunningDigest()
    digest.update(data.subarray(0, 100), 0)
    expect(() => digest.update(data.subarray(101), 101)).toThrow('never read')
  })
})

it('pauses between attempts grow and are bounded', () => {
  const pauses = Array.from({ length: 12 }, (_, i) => pauseMs(i + 1))
  expect(pauses[0]).toBe(250)
  expect(pauses).toEqual(pauses.toSorted((a, b) => a - b))
  expect(Math.max(...pauses)).toBe(15_000)
})

it('figures are readable', () => {
  expect([0, 999, 1_000, 25_000_000, 1_073_741_824].map(bytesInWords)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '25.0 MB',
    '1.07 GB'
  ])
  expect([0, 0.2, 59.1, 61, 7_200].map(timeInWords)).toEqual(['1 s', '1 s', '60 s', '2 min', '2.0 h'])
})
