import { describe, expect, it } from 'vitest'
import { encodeFrame, MAX_FRAME_BYTES, MAX_STREAM_PAYLOAD } from '../../../src/wire/index.ts'
import { Rng, randomSeed, seedFromEnv } from '../../sim/support/rng.ts'
import { decodeAll, encoded, join } from './bytes.ts'
import { FRAME_TYPES, randomFrame } from './random-frame.ts'

const seed = seedFromEnv() ?? randomSeed()
const ROUNDS = 500

describe(`wire round trip (HOLDFAST_SEED=${seed})`, () => {
  for (const type of FRAME_TYPES) {
    it(`gives back every ${type} frame as it was`, () => {
      const rng = new Rng(seed)
      for (let i = 0; i < ROUNDS; i++) {
        const frame = randomFrame(rng, type)
        expect(decodeAll(encoded(frame))).toEqual([frame])
      }
    })
  }

  it('keeps the order of frames sent back to back', () => {
    const rng = new Rng(seed)
    const frames = Array.from({ length: 200 }, () => randomFrame(rng))
    expect(decodeAll(join(frames.map(encoded)))).toEqual(frames)
  })

  it('does not depend on how the bytes are cut into chunks', () => {
    const rng = new Rng(seed)
    for (let round = 0; round < 20; round++) {
      const frames = Array.from({ length: 20 }, () => randomFrame(rng))
      const bytes = join(frames.map(encoded))
      const chunks: Uint8Array[] = []
      for (let at = 0; at < bytes.byteLength; ) {
        const length = rng.chance(0.2) ? 0 : rng.between(1, rng.pick([3, 100, 40_000]))
        chunks.push(bytes.slice(at, at + length))
        at += length
      }
      expect(decodeAll(...chunks)).toEqual(frames)
    }
  })
})

describe('wire encoding', () => {
  it('does not copy the payload of a STREAM frame', () => {
    const data = new Uint8Array(1_000)
    const chunks = encodeFrame({ type: 'stream', stream: 1, offset: 0, fin: false, data })
    expect(chunks).toHaveLength(2)
    expect(chunks[1]).toBe(data)
  })

  it('writes one chunk for a STREAM frame without payload', () => {
    const data = new Uint8Array()
    expect(encodeFrame({ type: 'stream', stream: 1, offset: 5, fin: true, data })).toHaveLength(1)
  })

  it('fits our largest STREAM frame into a 16 KiB data channel message and into the decoder', () => {
    const big = Number.MAX_SAFE_INTEGER
    const data = new Uint8Array(MAX_STREAM_PAYLOAD)
    const bytes = encoded({ type: 'stream', stream: big, offset: big, fin: true, data }).byteLength
    // Noise-free WebRTC: yamux is not used there, protobuf framing takes up to 8 bytes.
    expect(bytes).toBeLessThanOrEqual(16_384 - 8)
    expect(bytes).toBeLessThanOrEqual(MAX_FRAME_BYTES)
  })

  it('tells an absent optional number from 0', () => {
    for (const stream of [undefined, 0]) {
      expect(decodeAll(encoded({ type: 'blocked', stream, limit: 7 }))[0]).toHaveProperty('stream', stream)
    }
    const status = { type: 'status', suspects: 0, prefers: undefined, usedBytes: 0, renew: false } as const
    expect(decodeAll(encoded(status))[0]).toStrictEqual(status)
  })
})
