/**
 * What one path may take on average: a tenth to a fifth of a core. Nothing in order comes near it: 20,000 frames of bulk are
 * 320 MB, and our streams send what was written within a task as one frame. Raising it costs all other links that much.
 */
const FRAMES_PER_SECOND = 20_000

/** At once after a pause: what one second allows. */
const BURST_FRAMES = 20_000

/** How many frames a path may read: a token bucket. */
export class FrameShare {
  #left = BURST_FRAMES
  #at: number

  /** `now` in milliseconds, monotonic, as in all calls. */
  constructor(now: number) {
    this.#at = now
  }

  /** Whole frames that may be read now. */
  available(now: number): number {
    this.#left = Math.min(BURST_FRAMES, this.#left + ((now - this.#at) * FRAMES_PER_SECOND) / 1_000)
    this.#at = now
    return Math.max(0, Math.floor(this.#left))
  }

  take(frames: number): void {
    this.#left -= frames
  }

  /** Milliseconds from the last call of `available` until there are that many. */
  delayMs(frames: number): number {
    return Math.max(0, ((frames - this.#left) * 1_000) / FRAMES_PER_SECOND)
  }
}
