import { MAX_FRAME_BYTES } from './constants.ts'
import { MalformedFrameError, OversizedFrameError } from './errors.ts'
import type { Frame } from './frames.ts'
import { parseFrame } from './parse.ts'

/**
 * Bytes in, frames out, for one path. Holds at most one incomplete frame, so at most `MAX_FRAME_BYTES` plus the chunk in
 * hand. Frames may alias the chunks given: whoever keeps a payload beyond the call copies it.
 */
export class FrameDecoder {
  #held: Uint8Array | undefined;

  /**
   * All frames completed by this chunk.
   *
   * @throws {OversizedFrameError} before any byte of such a frame is kept
   * @throws {UnknownFrameError}
   * @throws {MalformedFrameError}
   */
  *push(chunk: Uint8Array): Generator<Frame> {
    let bytes = chunk
    if (this.#held != null) {
      bytes = new Uint8Array(this.#held.byteLength + chunk.byteLength)
      bytes.set(this.#held)
      bytes.set(chunk, this.#held.byteLength)
      this.#held = undefined
    }
    let at = 0
    while (at < bytes.byteLength) {
      const length = readLength(bytes, at)
      if (length == null) break
      if (length.value > MAX_FRAME_BYTES) throw new OversizedFrameError(length.value, MAX_FRAME_BYTES)
      const start = at + length.bytes
      const end = start + length.value
      if (end > bytes.byteLength) break
      yield parseFrame(bytes.subarray(start, end))
      at = end
    }
    if (at < bytes.byteLength) this.#held = bytes.slice(at)
  }

  /** Bytes of an incomplete frame held back. */
  get heldBytes(): number {
    return this.#held?.byteLength ?? 0
  }
}

/** A length prefix has at most 3 bytes: 2^21 is far beyond `MAX_FRAME_BYTES`. */
const MAX_LENGTH_BYTES = 3

function readLength(bytes: Uint8Array, at: number): { value: number; bytes: number } | undefined {
  let value = 0
  for (let i = 0; i < MAX_LENGTH_BYTES; i++) {
    const byte = bytes[at + i]
    if (byte == null) return undefined
    value |= (byte & 0x7f) << (7 * i)
    if (byte < 0x80) {
      if (value === 0) throw new MalformedFrameError('Peer sent an empty frame: every frame has at least a type')
      return { value, bytes: i + 1 }
    }
  }
  throw new OversizedFrameError(value, MAX_FRAME_BYTES)
}
