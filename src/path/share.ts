export interface ShareInit {
  readonly perSecond: number
  /** At once, after a pause. */
  readonly burst: number
}

/** How much of something a peer may have: a token bucket. `now` is in milliseconds, monotonic. */
export class Share {
  readonly #perMs: number
  readonly #burst: number
  #left: number
  #at: number

  constructor({ perSecond, burst }: ShareInit, now: number) {
    this.#perMs = perSecond / 1_000
    this.#burst = burst
    this.#left = burst
    this.#at = now
  }

  /** Whole ones that may be taken now. */
  available(now: number): number {
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs)
    this.#at = now
    return Math.max(0, Math.floor(this.#left))
  }

  take(count: number): void {
    this.#left -= count
  }

  /** Milliseconds from the last call of `available` until there are so many. */
  delayMs(count: number): number {
    return Math.max(0, (count - this.#left) / this.#perMs)
  }
}
