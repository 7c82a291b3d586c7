import type { Uint8ArrayList } from 'uint8arraylist'
import { type Frame, FrameDecoder } from '../wire/index.ts'
import { type EndOfTask, endOfTask } from './end-of-task.ts'
import { Share } from './share.ts'

/**
 * Tiny frames are read a bit per task, in however many messages they come, so that other links have their turn in between. Of
 * bulk these are 1.6 MB.
 */
const MAX_FRAMES_PER_TASK = 100

/** The same where frames cost more than most, as those do that open a stream. */
const MAX_MS_PER_TASK = 1

/** Between looks at the clock. */
const FRAMES_PER_LOOK = 8

/**
 * A tenth to a fifth of a core. Nothing in order comes near it: 20,000 frames of bulk are 320 MB, and of what is written in a
 * loop, our streams put many pieces into one frame. At once, as many as a full window of the smallest pieces. Raising it costs
 * all other links that much.
 */
const FRAMES = { perSecond: 20_000, burst: 5_000 }

export interface FrameReaderInit {
  onFrames(frames: Frame[]): void
  /** Once, and last: the input, or `onFrames`, failed. */
  onError(error: Error): void
  /** It has fallen behind: nothing more should come for now. */
  pause(): void
  resume(): void
  /** Milliseconds, monotonic. @default performance.now */
  now?(): number
}

/** What a carrier delivers, taken apart into frames: no more per task, and per second, than leaves other links their part. */
export class FrameReader {
  readonly #init: FrameReaderInit
  readonly #now: () => number
  readonly #share: Share
  readonly #decoder = new FrameDecoder()
  readonly #chunks: Uint8Array[] = []
  /** Of the chunk in hand. */
  #frames: Generator<Frame> | undefined
  #next: EndOfTask | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Frames that may still be read in this task. */
  #left = MAX_FRAMES_PER_TASK
  #status: 'reading' | 'behind' | 'stopped' = 'reading'
  #done: (() => void) | undefined

  constructor(init: FrameReaderInit) {
    this.#init = init
    this.#now = init.now ?? (() => performance.now())
    this.#share = new Share(FRAMES, this.#now())
  }

  /** Bytes of an incomplete frame. */
  get heldBytes(): number {
    return this.#decoder.heldBytes
  }

  /** The carrier is to be paused. */
  get isBehind(): boolean {
    return this.#status === 'behind'
  }

  push(data: Uint8Array | Uint8ArrayList): void {
    if (this.#status === 'stopped') return
    // In one piece: a list may have a part for each byte.
    this.#chunks.push(data.subarray())
    if (this.#status === 'reading') this.#read(Math.min(this.#left, this.#share.available(this.#now())))
  }

  /** Nothing more comes: `done` is called when everything was read, which is now unless it has fallen behind. */
  finish(done: () => void): void {
    this.#done = done
    if (this.#status === 'behind') this.#hurry()
    else if (this.#status === 'reading') this.#finished()
  }

  /** What was not read yet is dropped. */
  stop(): void {
    this.#status = 'stopped'
    this.#done = undefined
    this.#chunks.length = 0
    this.#frames = undefined
    this.#next?.stop()
    clearTimeout(this.#timer)
  }

  #read(maxFrames: number): void {
    const until = this.#now() + MAX_MS_PER_TASK
    for (let left = maxFrames; ; ) {
      const { frames, isDone, error } = this.#take(Math.min(left, FRAMES_PER_LOOK))
      left -= frames.length
      this.#left -= frames.length
      this.#share.take(frames.length)
      const failed = this.#passOn(frames) ?? error
      if (this.#isStopped) return
      if (failed != null) {
        this.stop()
        this.#init.onError(failed)
        return
      }
      if (isDone) {
        this.#nextTask()
        this.#catchUp()
        return
      }
      if (left <= 0 || this.#now() >= until) {
        this.#nextTask()
        this.#fallBehind()
        return
      }
    }
  }

  get #isStopped(): boolean {
    return this.#status === 'stopped'
  }

  #nextTask(): void {
    this.#next ??= endOfTask(() => this.#onTask())
    this.#next.schedule()
  }

  #fallBehind(): void {
    if (this.#status === 'behind') return
    this.#status = 'behind'
    this.#init.pause()
  }

  #onTask(): void {
    this.#left = MAX_FRAMES_PER_TASK
    if (this.#status !== 'behind') return
    if (this.#done != null || this.#share.available(this.#now()) >= MAX_FRAMES_PER_TASK) {
      this.#read(MAX_FRAMES_PER_TASK)
    } else {
      this.#timer = setTimeout(() => this.#onTask(), this.#share.delayMs(MAX_FRAMES_PER_TASK))
    }
  }

  /** Still a bit per task, but whatever its share: a path that has ended is not to be kept. */
  #hurry(): void {
    clearTimeout(this.#timer)
    this.#nextTask()
  }

  #finished(): void {
    const done = this.#done
    this.stop()
    done?.()
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

  #catchUp(): void {
    if (this.#status === 'reading') return
    if (this.#done != null) {
      this.#finished()
      return
    }
    this.#status = 'reading'
    this.#init.resume()
  }
}
