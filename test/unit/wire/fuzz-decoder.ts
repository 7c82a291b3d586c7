import {
  type Frame,
  FrameDecoder,
  MAX_FRAME_BYTES,
  MalformedFrameError,
  OversizedFrameError,
  UnknownFrameError
} from '../../../src/wire/index.ts'
import { Rng } from '../../sim/support/rng.ts'
import type { Counts } from '../../sim/support/shards/job.ts'
import { encoded, join, varint } from './bytes.ts'
import { randomFrame } from './random-frame.ts'

/** Inputs per run. */
export const INPUTS = 500

const NAMED = [MalformedFrameError, OversizedFrameError, UnknownFrameError]

interface Decoded {
  /** Encoded again, one behind the other. */
  readonly frames: Uint8Array
  readonly count: number
  /** Undefined: all was decoded, but for the beginning of a frame perhaps. */
  readonly error: string | undefined
}

/** Feeds the bytes in chunks of these lengths until the end or the first error, which must be one with a name. */
function decode(bytes: Uint8Array, nextLength: () => number): Decoded {
  const decoder = new FrameDecoder()
  const frames: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const chunk = bytes.slice(at, at + nextLength())
    try {
      // What was decoded can be encoded: all numbers are in range.
      for (const frame of decoder.push(chunk)) frames.push(encoded(frame))
    } catch (err) {
      if (!NAMED.some((named) => err instanceof named)) throw err
      return { frames: join(frames), count: frames.length, error: (err as Error).name }
    }
    at += chunk.byteLength
    if (decoder.heldBytes > MAX_FRAME_BYTES + chunk.byteLength) throw new Error(`Holds ${decoder.heldBytes} bytes`)
  }
  return { frames: join(frames), count: frames.length, error: undefined }
}

/** One run: inputs of every kind, each fed whole and in pieces, which must lead to the same. */
export function run(seed: number): Counts {
  const rng = new Rng(seed)
  const counts: Counts = { inputs: 0, frames: 0, ends: 0, MalformedFrameError: 0, OversizedFrameError: 0 }
  counts.UnknownFrameError = 0
  for (let input = 0; input < INPUTS; input++) {
    const bytes = rng.pick(KINDS)(rng)
    try {
      const longest = rng.pick([1, 10, 1_000])
      const whole = decode(bytes, () => bytes.byteLength)
      const split = decode(bytes, () => rng.between(1, longest))
      const same = whole.error === split.error && Buffer.compare(whole.frames, split.frames) === 0
      if (!same) throw new Error(`In pieces it leads to ${split.error}, whole to ${whole.error}, or to other frames`)
      counts.inputs!++
      counts.frames! += whole.count
      counts[whole.error ?? 'ends']!++
    } catch (err) {
      const hex = Buffer.from(bytes.subarray(0, 100)).toString('hex')
      throw new Error(`Input ${input} of seed ${seed} (${bytes.byteLength} bytes, ${hex}): ${(err as Error).message}`, {
        cause: err
      })
    }
  }
  return counts
}

const KINDS: ReadonlyArray<(rng: Rng) => Uint8Array> = [
  (rng) => rng.bytes(rng.between(1, 400)),
  /** A body of each type, random behind that. */
  (rng) => {
    const length = rng.between(1, 60)
    const body = rng.bytes(length)
    body[0] = rng.int(15)
    return join([Uint8Array.of(length), body])
  },
  (rng) => flipped(rng, frames(rng)),
  (rng) => inserted(rng, frames(rng)),
  (rng) => cut(rng, frames(rng)),
  (rng) => cut(rng, inserted(rng, flipped(rng, frames(rng)))),
  /** Cut off in the middle of a frame, another behind it. */
  (rng) => {
    const first = frames(rng)
    return join([first.slice(0, rng.int(first.byteLength + 1)), frames(rng)])
  },
  /** A length that promises anything. */
  (rng) => join([frames(rng), varint(rng.int(2 ** 31) * rng.pick([1, 2 ** 10, 2 ** 22])), rng.bytes(rng.int(50))])
]

function frames(rng: Rng): Uint8Array {
  return join(Array.from({ length: rng.between(1, 4) }, () => encoded(smallFrame(rng))))
}

function smallFrame(rng: Rng): Frame {
  const frame = randomFrame(rng)
  return frame.type === 'stream' ? { ...frame, data: frame.data.slice(0, 100) } : frame
}

function flipped(rng: Rng, bytes: Uint8Array): Uint8Array {
  const out = bytes.slice()
  for (let flips = rng.between(1, 4); flips > 0; flips--) out[rng.int(out.byteLength)]! ^= 1 << rng.int(8)
  return out
}

function inserted(rng: Rng, bytes: Uint8Array): Uint8Array {
  const at = rng.int(bytes.byteLength + 1)
  return join([bytes.slice(0, at), rng.bytes(rng.between(1, 5)), bytes.slice(at)])
}

function cut(rng: Rng, bytes: Uint8Array): Uint8Array {
  const at = rng.int(bytes.byteLength)
  return join([bytes.slice(0, at), bytes.slice(at + rng.between(1, 5))])
}
