// How much of a flood is read, by a clock of the test's own; what a path does with it is in path.test.ts.
import { expect, it } from 'vitest'
import { FrameReader } from '../../../src/path/frame-reader.ts'
import { encodeFrame } from '../../../src/wire/index.ts'

const PING = Uint8Array.from(encodeFrame({ type: 'ping', nonce: 1 }).flatMap((part) => [...part]))
const pings = (count: number): Uint8Array => Uint8Array.from(Array.from({ length: count }, () => [...PING]).flat())
const task = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function reader() {
  const seen = { frames: 0, now: 0, calls: [] as string[] }
  const reader = new FrameReader({
    onFrames: ({ length }) => {
      seen.frames += length
    },
    onError: (error) => {
      throw error
    },
    pause: () => seen.calls.push('pause'),
    resume: () => seen.calls.push('resume'),
    now: () => seen.now
  })
  return { reader, seen }
}

/** Until it takes nothing more. */
async function settled(seen: { frames: number }): Promise<void> {
  for (let before = -1; before !== seen.frames; ) {
    before = seen.frames
    for (let i = 0; i < 20; i++) await task()
  }
}

it('a flood is read up to its share, and then as time goes by', async () => {
  const { reader: flooded, seen } = reader()
  flooded.push(pings(20_000))
  await settled(seen)
  expect(seen.frames).toBe(5_000)
  expect(seen.calls).toEqual(['pause'])
  seen.now += 100
  await expect.poll(() => seen.frames).toBe(7_000)
  seen.now += 250
  await expect.poll(() => seen.frames).toBe(12_000)
  // No more than at the start, however long the pause was.
  seen.now += 10_000
  await expect.poll(() => seen.frames).toBe(17_000)
  seen.now += 250
  await expect.poll(() => seen.frames).toBe(20_000)
  expect(seen.calls).toEqual(['pause', 'resume'])
  flooded.stop()
})

it('many small messages within one task count together', async () => {
  const { reader: flooded, seen } = reader()
  for (let i = 0; i < 300; i++) flooded.push(pings(1))
  expect(seen.frames).toBe(100)
  await settled(seen)
  expect(seen.frames).toBe(300)
  flooded.stop()
})

it('what is left at the end is read a bit per task, whatever the share; a message in a million parts like any other', async () => {
  const { Uint8ArrayList } = await import('uint8arraylist')
  const { reader: flooded, seen } = reader()
  const parts = new Uint8ArrayList()
  for (let i = 0; i < 1_000_000; i++) parts.append(PING.subarray(i % PING.byteLength, (i % PING.byteLength) + 1))
  flooded.push(parts.sublist(0, 300_000 * PING.byteLength))
  const finished = new Promise<void>((resolve) => flooded.finish(resolve))
  expect(seen.frames).toBeLessThanOrEqual(100)
  await finished
  expect(seen.frames).toBeGreaterThanOrEqual(300_000)
})
