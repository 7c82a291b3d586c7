import type { Uint8ArrayList } from 'uint8arraylist'
import { type Frame, FrameDecoder } from '../wire/index.ts'
import { type EndOfTask, endOfTask } from './end-of-task.ts'

/**
 * A message of many tiny frames is read a bit at a time, so that other links have their turn in between: about 0.2 ms. Bulk
 * has four frames in 64 KiB. A flood in messages of fewer frames than this is not slowed by it.
 */
const MAX_FRAMES_PER_TASK = 1_000

export interface FrameReaderInit {
  onFrames(frames: Frame[]): void
  /** Once, and last: the input, or `onFrames`, failed. */
  onError(error: Error): void
  /** It has fallen behind: nothing more should come for now. */
  pause(): void
  resume(): void
}

/** What a carrier delivers, taken apart into frames. */
export class FrameReader {
  readonly #init: FrameReaderInit
  readonly #decoder = new FrameDecoder()
  readonly #chunks: Uint8Array[] = []
  /** Of the chunk in hand. */
  #frames: Generator<Frame> | undefined
  #next: EndOfTask | undefined
  #status: 'reading' | 'behind' | 'stopped' = 'reading'

  constructor(init: FrameReaderInit) {
    this.#init = init
  }

  /** Bytes of an incomplete frame. */
  get heldBytes(): number {
    return this.#decoder.heldBytes
  }

  push(data: Uint8Array | Uint8ArrayList): void {
    if (this.#status === 'stopped') return
    if (data instanceof Uint8Array) this.#chunks.push(data)
    else this.#chunks.push(...data)
    if (this.#status === 'reading') this.#read(MAX_FRAMES_PER_TASK)
  }

  /** Nothing more comes, and there is no later moment. */
  finish(): void {
    if (this.#status === 'behind') this.#read(Number.POSITIVE_INFINITY)
    this.stop()
  }

  /** What was not read yet is dropped. */
  stop(): void {
    this.#status = 'stopped'
    this.#chunks.length = 0
    this.#frames = undefined
    this.#next?.stop()
  }

  #read(maxFrames: number): void {
    const { frames, isDone, error } = this.#take(maxFrames)
    const failed = this.#passOn(frames) ?? error
    if (this.#status === 'stopped') return
    if (failed != null) {
      this.stop()
      this.#init.onError(failed)
    } else if (isDone) {
      this.#catchUp()
    } else {
      this.#fallBehind()
    }
  }

  #take(maxFrames: number): { frames: Frame[]; isDone: boolean; error?: Error } {
    const frames: Frame[] = []
    try {
      while (frames.length < maxFrames) {
        const chunk = this.#frames == null ? this.#chunks.shift() : undefined
        if (chunk != null) this.#frames = this.#decoder.push(chunk)
        if (this.#frames == null) return { frames, isDone: true }
        const next = this.#frames.next()
        if (next.done === true) this.#frames = undefined
        else frames.push(next.value)
      }
    } catch (err) {
      return { frames, isDone: true, error: err as Error }
    }
    return { frames, isDone: this.#frames == null && this.#chunks.length === 0 }
  }

  #passOn(frames: Frame[]): Error | undefined {
    try {
      if (frames.length > 0) this.#init.onFrames(frames)
      return undefined
    } catch (err) {
      return err as Error
    }
  }

  #fallBehind(): void {
    if (this.#status === 'reading') {
      this.#status = 'behind'
      this.#init.pause()
    }
    this.#next ??= endOfTask(() => this.#read(MAX_FRAMES_PER_TASK))
    this.#next.schedule()
  }

  #catchUp(): void {
    if (this.#status === 'reading') return
    this.#status = 'reading'
    this.#init.resume()
  }
}
