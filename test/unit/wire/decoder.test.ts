import { describe, expect, it, vi } from 'vitest'
import {
  type Frame,
  FrameDecoder,
  FrameType,
  MAX_FRAME_BYTES,
  MalformedFrameError,
  OversizedFrameError,
  UnknownFrameError
} from '../../../src/wire/index.ts'
import { Hello } from '../../../src/wire/pb/handshake.pb.ts'
import { Rng } from '../../sim/support/rng.ts'
import { decodeAll, encoded, join, kept, rawFrame, varint } from './bytes.ts'
import { FRAME_TYPES, randomFrame } from './random-frame.ts'

const rng = new Rng(7)
const samples = FRAME_TYPES.map((type) => {
  const frame = randomFrame(rng, type)
  return frame.type === 'stream' ? { ...frame, data: rng.bytes(200) } : frame
})

const n = varint

describe('FrameDecoder, incrementally', () => {
  for (const frame of samples) {
    it(`decodes ${frame.type} cut in two at every point`, () => {
      const bytes = encoded(frame)
      for (let cut = 0; cut <= bytes.byteLength; cut++) {
        expect(decodeAll(bytes.slice(0, cut), bytes.slice(cut))).toEqual([frame])
      }
    })
  }

  it('decodes a sequence of all frames byte by byte', () => {
    const bytes = join(samples.map(encoded))
    expect(decodeAll(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(samples)
  })

  it('yields a frame as soon as its last byte is there, and holds nothing then', () => {
    const decoder = new FrameDecoder()
    for (const frame of samples) {
      const bytes = encoded(frame)
      expect([...decoder.push(bytes.subarray(0, -1))]).toEqual([])
      expect(decoder.heldBytes).toBe(bytes.byteLength - 1)
      expect([...decoder.push(bytes.subarray(-1))]).toEqual([frame])
      expect(decoder.heldBytes).toBe(0)
    }
  })

  it('survives the reuse of a chunk whose frame was incomplete', () => {
    const frame = { type: 'stream', stream: 3, offset: 9, fin: false, data: rng.bytes(50) } as const
    const bytes = encoded(frame)
    const decoder = new FrameDecoder()
    const chunk = bytes.slice(0, 30)
    expect([...decoder.push(chunk)]).toEqual([])
    chunk.fill(0xff)
    expect([...decoder.push(bytes.slice(30))].map(kept)).toEqual([frame])
  })

  it('keeps the instance id of a handshake when its chunk is reused', () => {
    const frame = samples.find((sample) => sample.type === 'hello')!
    const bytes = encoded(frame)
    const [decoded] = [...new FrameDecoder().push(bytes)]
    bytes.fill(0)
    expect(decoded).toEqual(frame)
  })
})

describe('FrameDecoder, bounds', () => {
  const data = new Uint8Array(MAX_FRAME_BYTES - 4)
  const largest = rawFrame(FrameType.STREAM, n(1), n(0), n(0), data)

  it('accepts a frame of exactly MAX_FRAME_BYTES', () => {
    expect(decodeAll(largest)).toEqual([{ type: 'stream', stream: 1, offset: 0, fin: false, data }])
  })

  it('never holds more than one frame and the chunk in hand', () => {
    for (const chunkBytes of [1_000, 16_384, 100_000]) {
      const decoder = new FrameDecoder()
      const bytes = join([largest, largest, largest])
      let frames = 0
      for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
        for (const _ of decoder.push(bytes.slice(at, at + chunkBytes))) frames++
        expect(decoder.heldBytes).toBeLessThanOrEqual(MAX_FRAME_BYTES + chunkBytes)
        expect(decoder.heldBytes).toBeLessThan(largest.byteLength)
      }
      expect(frames).toBe(3)
    }
  })

  it('copies bytes a few times at most, also when a peer sends the largest frame in single bytes', () => {
    const decoder = new FrameDecoder()
    let frames = 0
    const set = vi.spyOn(Uint8Array.prototype, 'set')
    const slice = vi.spyOn(Uint8Array.prototype, 'slice')
    for (let at = 0; at < largest.byteLength; at++) {
      for (const _ of decoder.push(largest.subarray(at, at + 1))) frames++
    }
    expect(frames).toBe(1)
    const copied = set.mock.calls.reduce((bytes, [from]) => bytes + from.length, 0)
    // Copying what is held for each byte would move 2 GiB.
    expect(copied).toBeLessThan(4 * largest.byteLength)
    expect(slice).not.toHaveBeenCalled()
    vi.restoreAllMocks()
  })

  it('refuses an oversized frame from its length alone, and keeps none of it', () => {
    const decoder = new FrameDecoder()
    expect(() => [...decoder.push(n(MAX_FRAME_BYTES + 1))]).toThrow(OversizedFrameError)
    expect(decoder.heldBytes).toBe(0)
  })

  it('names both sizes in the error of an oversized frame', () => {
    try {
      decodeAll(n(MAX_FRAME_BYTES + 1))
      expect.unreachable()
    } catch (err) {
      expect(err).toMatchObject({ frameBytes: MAX_FRAME_BYTES + 1, maxFrameBytes: MAX_FRAME_BYTES })
    }
  })

  it('refuses a length prefix of more than 3 bytes', () => {
    expect(() => decodeAll(Uint8Array.of(0x80, 0x80, 0x80))).toThrow(OversizedFrameError)
  })

  it('yields the good frames in front of a bad one first', () => {
    const seen: Frame[] = []
    const ping = { type: 'ping', nonce: 1 } as const
    const bytes = join([encoded(ping), encoded(ping), rawFrame(99)])
    expect(() => {
      for (const frame of new FrameDecoder().push(bytes)) seen.push(frame)
    }).toThrow(UnknownFrameError)
    expect(seen).toEqual([ping, ping])
  })

  it('yields nothing more after an error: where the next frame starts is unknown', () => {
    for (const bad of [rawFrame(99), n(MAX_FRAME_BYTES + 1), rawFrame(FrameType.PING)]) {
      const decoder = new FrameDecoder()
      expect(() => [...decoder.push(bad)]).toThrow()
      expect(() => [...decoder.push(encoded({ type: 'ping', nonce: 1 }))]).toThrow()
    }
  })
})

describe('FrameDecoder, frames that are not well formed', () => {
  const malformed: [name: string, bytes: Uint8Array][] = [
    ['an empty frame', n(0)],
    ['an empty frame with a padded length', Uint8Array.of(0x80, 0)],
    ['a type that is cut off', join([n(1), Uint8Array.of(0x80)])],
    ['fields that are missing', rawFrame(FrameType.ACK, n(1), n(2))],
    ['a field that is cut off', rawFrame(FrameType.PING, Uint8Array.of(0x80))],
    ['a number of 2^53', rawFrame(FrameType.PING, n(2n ** 53n))],
    ['a number of 2^63', rawFrame(FrameType.PING, n(2n ** 63n))],
    ['a type of 2^53', join([n(8), n(2n ** 53n)])],
    ['a varint without end', rawFrame(FrameType.PING, new Uint8Array(40).fill(0x80))],
    ['flags other than 0 and 1', rawFrame(FrameType.STREAM, n(1), n(0), n(2))],
    ['a renew flag of 2', rawFrame(FrameType.STATUS, n(0), n(0), n(0), n(2))],
    ['a hello that is no protobuf', rawFrame(FrameType.HELLO, Uint8Array.of(0x0a, 0xff, 0xff))],
    ['a hello without instance id', rawFrame(FrameType.HELLO, Uint8Array.of(0x10, 1))],
    ['a hello with an instance id of 15 bytes', rawFrame(FrameType.HELLO, hello({ instance: new Uint8Array(15) }))],
    ['a hello with an instance id of 17 bytes', rawFrame(FrameType.HELLO, hello({ instance: new Uint8Array(17) }))],
    ['a hello with a path of 2^53', rawFrame(FrameType.HELLO, hello({}), Uint8Array.of(0x10), n(2n ** 53n))],
    ['a hello with a path of 2^64 - 1', rawFrame(FrameType.HELLO, hello({}), Uint8Array.of(0x10), n(2n ** 64n - 1n))],
    ['a hello cut off in a number', rawFrame(FrameType.HELLO, hello({}), Uint8Array.of(0x10, 0x80))],
    ['an empty confirm', rawFrame(FrameType.CONFIRM)]
  ]
  for (const [name, bytes] of malformed) {
    it(`calls ${name} a MalformedFrameError`, () => {
      expect(() => decodeAll(bytes)).toThrow(MalformedFrameError)
    })
  }

  it('calls a varint of nine bytes a MalformedFrameError', () => {
    expect(() => decodeAll(rawFrame(FrameType.PING, n(1, 8)))).toThrow(MalformedFrameError)
  })

  for (const frame of samples.filter(({ type }) => type !== 'stream' && type !== 'hello' && type !== 'confirm')) {
    it(`refuses a ${frame.type} frame with a byte after its fields`, () => {
      const bytes = encoded(frame)
      expect(() => decodeAll(join([n(bytes.byteLength), bytes.slice(1), Uint8Array.of(0)]))).toThrow(
        MalformedFrameError
      )
    })

    it(`refuses a ${frame.type} frame truncated anywhere`, () => {
      const body = encoded(frame).slice(1)
      for (let length = 1; length < body.byteLength; length++) {
        expect(() => decodeAll(join([n(length), body.slice(0, length)]))).toThrow(MalformedFrameError)
      }
    })
  }

  for (const type of [14, 15, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    it(`calls frame type ${type} an UnknownFrameError`, () => {
      expect(() => decodeAll(rawFrame(type))).toThrow(UnknownFrameError)
    })
  }
})

describe('FrameDecoder, what later versions may add', () => {
  it('skips unknown fields of the handshake', () => {
    const frame = samples.find((sample) => sample.type === 'hello')!
    const body = encoded(frame).slice(2)
    const withField = rawFrame(FrameType.HELLO, body, Uint8Array.of(0x7a, 2, 1, 2), Uint8Array.of(0x78, 5))
    expect(decodeAll(withField)).toEqual([frame])
  })

  it('accepts padded varints of up to eight bytes', () => {
    expect(decodeAll(rawFrame(FrameType.PING, n(5, 7)))).toEqual([{ type: 'ping', nonce: 5 }])
  })
})

function hello(fields: Partial<Hello>): Uint8Array {
  return Hello.encode({
    instance: new Uint8Array(16).fill(1),
    path: 0,
    epoch: 0,
    streamWindow: 0,
    sessionWindow: 0,
    ...fields
  })
}
