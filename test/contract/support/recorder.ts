import type { PathHandler, SessionPath } from '../../../src/path/index.ts'
import { encodeFrame, type Frame, MAX_STREAM_PAYLOAD } from '../../../src/wire/index.ts'

/** Everything one path told, and promises for it. */
export class Recorder implements PathHandler {
  readonly frames: Frame[] = []
  frameBytes = 0
  closed = 0
  framesAfterClose = 0
  error: Error | undefined
  #changed = Promise.withResolvers<void>()
  #writable = Promise.withResolvers<void>()

  onFrames(_path: SessionPath, frames: Frame[]): void {
    if (this.closed > 0) this.framesAfterClose += frames.length
    for (const frame of frames) {
      // A payload may alias carrier memory.
      const kept = frame.type === 'stream' ? { ...frame, data: Uint8Array.from(frame.data) } : frame
      this.frames.push(kept)
      this.frameBytes += encoded(kept).byteLength
    }
    this.#change()
  }

  onWritable(): void {
    this.#writable.resolve()
    this.#writable = Promise.withResolvers()
  }

  onClosed(_path: SessionPath, error?: Error): void {
    this.closed++
    this.error ??= error
    this.#change()
    this.#writable.resolve()
  }

  writable(): Promise<void> {
    return this.#writable.promise
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.closed > 0) throw new Error(`closed after ${this.frames.length} frames`, { cause: this.error })
      await this.#changed.promise
    }
  }

  async untilClosed(): Promise<void> {
    while (this.closed === 0) await this.#changed.promise
  }

  #change(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

/** Write all, batch by batch, waiting when asked to. Returns the most that waited in the carrier's own buffer. */
export async function pump(path: SessionPath, recorder: Recorder, frames: Frame[], perBatch = 4): Promise<number> {
  let most = 0
  for (let i = 0; i < frames.length; i += perBatch) {
    const writable = recorder.writable()
    const more = path.write(frames.slice(i, i + perBatch))
    most = Math.max(most, path.bufferedBytes)
    if (!more) await writable
    if (path.status === 'closed') throw new Error('closed while writing', { cause: recorder.error })
  }
  return most
}

/** Frames of every size up to the largest, the same for the same seed. */
export function mixedFrames(totalBytes: number, seed = 1): Frame[] {
  const random = generator(seed)
  const sizes = [0, 1, 2, 17, 255, 1_400, 8_192, MAX_STREAM_PAYLOAD - 1, MAX_STREAM_PAYLOAD]
  const frames: Frame[] = []
  let offset = 0
  while (offset < totalBytes) {
    const length =
      random() < 0.5 ? sizes[Math.floor(random() * sizes.length)]! : Math.floor(random() * MAX_STREAM_PAYLOAD)
    const data = new Uint8Array(length)
    for (let i = 0; i < length; i++) data[i] = random() * 256
    frames.push({ type: 'stream', stream: frames.length % 7, offset, fin: false, data })
    if (frames.length % 5 === 0) frames.push({ type: 'ack', path: 3, sequence: frames.length, delayMs: 1 })
    if (frames.length % 11 === 0) frames.push({ type: 'maxData', max: 2 ** 40 + offset })
    offset += length
  }
  return frames
}

export function bulkFrames(count: number): Frame[] {
  const data = new Uint8Array(MAX_STREAM_PAYLOAD).fill(7)
  return Array.from({ length: count }, (_, i) => ({
    type: 'stream',
    stream: 0,
    offset: i * data.length,
    fin: false,
    data
  }))
}

export function encoded(...frames: Frame[]): Uint8Array {
  const parts = frames.flatMap((frame) => encodeFrame(frame))
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.byteLength
  }
  return bytes
}

export const sum = (frames: readonly Frame[]): number => encoded(...frames).byteLength

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
