import { MAX_FRAME_BYTES } from './constants.ts'
import { MalformedFrameError, OversizedFrameError } from './errors.ts'
import type { Frame } from './frames.ts'
import { parseFrame } from './parse.ts'

/** A length prefix has at most 3 bytes: 2^21 is far beyond `MAX_FRAME_BYTES`. */
const MAX_LENGTH_BYTES = 3

/** First buffer for an incomplete frame; it doubles up to the frame's size. */
const MIN_HELD_BYTES = 256

/**
 * Bytes in, frames out, for one path. Holds at most one incomplete frame, so at most `MAX_FRAME_BYTES` plus the chunk in
 * hand, and copies each byte of it a constant number of times however it was cut. Frames may alias the chunks given:
 * whoever keeps a payload beyond the call copies it. After an error every `push` throws it again.
 */
export class FrameDecoder {
  #held = EMPTY
  #heldBytes = 0
  #error: unknown;

  /**
   * All frames completed by this chunk.
   *
   * @throws {OversizedFrameError} before any byte of such a frame is kept
   * @throws {UnknownFrameError}
   * @throws {MalformedFrameError}
   */
  *push(chunk: Uint8Array): Generator<Frame> {
    if (this.#error != null) throw this.#error
    try {
      let at = 0
      while (at < chunk.byteLength) {
        if (this.#heldBytes > 0) {
          at = this.#hold(chunk, at)
          const frame = frameIn(this.#held.subarray(0, this.#heldBytes), 0)
          if (frame == null || frame.end > this.#heldBytes) continue
          const body = this.#held.subarray(frame.start, frame.end)
          this.#release()
          yield parseFrame(body)
          continue
        }
        const frame = frameIn(chunk, at)
        if (frame == null || frame.end > chunk.byteLength) {
          at = this.#hold(chunk, at)
          continue
        }
        at = frame.end
        yield parseFrame(chunk.subarray(frame.start, frame.end))
      }
    } catch (error) {
      this.#error = error
      this.#release()
      throw error
    }
  }

  /** Bytes of an incomplete frame held back. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Takes what the incomplete frame still needs, or one byte more of its length prefix; says where the rest begins. */
  #hold(chunk: Uint8Array, at: number): number {
    const frame = frameIn(this.#held.subarray(0, this.#heldBytes), 0)
    const wanted = frame == null ? this.#heldBytes + 1 : frame.end
    const until = Math.min(chunk.byteLength, at + wanted - this.#heldBytes)
    const bytes = this.#heldBytes + until - at
    if (bytes > this.#held.byteLength) {
      const grown = new Uint8Array(Math.max(bytes, Math.min(wanted, 2 * this.#held.byteLength), MIN_HELD_BYTES))
      grown.set(this.#held.subarray(0, this.#heldBytes))
      this.#held = grown
    }
    this.#held.set(chunk.subarray(at, until), this.#heldBytes)
    this.#heldBytes = bytes
    return until
  }

  /** The frame just decoded may alias the buffer: it is not used again. */
  #release(): void {
    this.#held = EMPTY
    this.#heldBytes = 0
  }
}

const EMPTY = new Uint8Array(0)

/** Where the body of the frame at `at` begins and ends; undefined while its length is incomplete. */
function frameIn(bytes: Uint8Array, at: number): { start: number; end: number } | undefined {
  let value = 0
  for (let i = 0; i < MAX_LENGTH_BYTES; i++) {
    const byte = bytes[at + i]
    if (byte == null) return undefined
    value |= (byte & 0x7f) << (7 * i)
    if (byte >= 0x80) continue
    if (value === 0) throw new MalformedFrameError('Peer sent an empty frame: every frame has at least a type')
    if (value > MAX_FRAME_BYTES) throw new OversizedFrameError(value, MAX_FRAME_BYTES)
    const start = at + i + 1
    return { start, end: start + value }
  }
  throw new OversizedFrameError(value, MAX_FRAME_BYTES)
}
