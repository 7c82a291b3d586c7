import { describe, expect, it } from 'vitest'
import {
  FrameDecoder,
  MAX_FRAME_BYTES,
  MalformedFrameError,
  OversizedFrameError,
  UnknownFrameError
} from '../../../src/wire/index.ts'
import { Rng, randomSeed, seedFromEnv } from '../../sim/support/rng.ts'
import { encoded, join } from './bytes.ts'
import { randomFrame } from './random-frame.ts'

const seed = seedFromEnv() ?? randomSeed()

/** Feeds the bytes in random chunks until the end or the first error, which must be one with a name. */
function feed(rng: Rng, bytes: Uint8Array): 'end' | 'error' {
  const decoder = new FrameDecoder()
  for (let at = 0; at < bytes.byteLength; ) {
    const length = rng.between(1, rng.pick([1, 10, 1_000]))
    try {
      for (const frame of decoder.push(bytes.slice(at, at + length))) {
        // What was decoded can be encoded: all numbers are in range.
        encoded(frame)
      }
    } catch (err) {
      const named =
        err instanceof MalformedFrameError || err instanceof OversizedFrameError || err instanceof UnknownFrameError
      if (!named) throw err
      return 'error'
    }
    if (decoder.heldBytes > MAX_FRAME_BYTES + length) expect.unreachable(`holds ${decoder.heldBytes} bytes`)
    at += length
  }
  return 'end'
}

describe(`wire under hostile bytes (HOLDFAST_SEED=${seed})`, () => {
  it('answers random bytes with named errors only', () => {
    const rng = new Rng(seed)
    const seen = { end: 0, error: 0 }
    for (let round = 0; round < 5_000; round++) seen[feed(rng, rng.bytes(rng.between(1, 400)))]++
    expect(seen.error).toBeGreaterThan(0)
  })

  it('answers random bodies of each frame type with named errors only', () => {
    const rng = new Rng(seed)
    const seen = { end: 0, error: 0 }
    for (let round = 0; round < 20_000; round++) {
      const length = rng.between(1, 60)
      const body = rng.bytes(length)
      body[0] = rng.int(15)
      seen[feed(rng, join([Uint8Array.of(length), body]))]++
    }
    expect(seen.end).toBeGreaterThan(0)
    expect(seen.error).toBeGreaterThan(0)
  })

  it('answers valid frames with a few bits flipped, bytes inserted or cut with named errors only', () => {
    const rng = new Rng(seed)
    const seen = { end: 0, error: 0 }
    for (let round = 0; round < 5_000; round++) {
      let bytes = join(Array.from({ length: rng.between(1, 4) }, () => encoded(smallFrame(rng))))
      for (let flips = rng.int(4); flips > 0; flips--) bytes[rng.int(bytes.byteLength)]! ^= 1 << rng.int(8)
      const at = rng.int(bytes.byteLength)
      if (rng.chance(0.3)) bytes = join([bytes.slice(0, at), rng.bytes(rng.between(1, 5)), bytes.slice(at)])
      if (rng.chance(0.3)) bytes = join([bytes.slice(0, at), bytes.slice(at + rng.between(1, 5))])
      seen[feed(rng, bytes)]++
    }
    expect(seen.end).toBeGreaterThan(0)
    expect(seen.error).toBeGreaterThan(0)
  })
})

function smallFrame(rng: Rng) {
  const frame = randomFrame(rng)
  return frame.type === 'stream' ? { ...frame, data: frame.data.slice(0, 100) } : frame
}
