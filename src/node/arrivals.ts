import { type EndOfTask, endOfTask, Share } from '../path/index.ts'

/** Each costs 0.15 to 0.3 ms of negotiation: 500 streams in one carrier message would hold up every other link for 100 ms. */
const MAX_PER_TASK = 4

/**
 * As many at once as a peer may have open, and then this many each second: about a tenth of a core. An application that opens
 * more gets them at this rate. Raising it costs all other links that much.
 */
const STREAMS = { perSecond: 500, burst: 1_000 }

/** Passes on what arrives, a few per task and no more than a peer's share of each second; the others wait, in order. */
export class Arrivals<T> {
  readonly #passOn: (arrival: T) => void
  readonly #now: () => number
  readonly #share: Share
  #waiting: T[] = []
  #left = MAX_PER_TASK
  #next: EndOfTask | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #status: 'running' | 'finished' = 'running'

  /** `now` in milliseconds, monotonic. */
  constructor(passOn: (arrival: T) => void, now: () => number = () => performance.now()) {
    this.#passOn = passOn
    this.#now = now
    this.#share = new Share(STREAMS, now())
  }

  add(arrival: T): void {
    this.#waiting.push(arrival)
    if (this.#timer == null) this.#pass()
  }

  /** All at once: it is the end. */
  finish(): void {
    this.#status = 'finished'
    this.#next?.stop()
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const arrival of this.#waiting.splice(0)) this.#passOn(arrival)
  }

  #pass(): void {
    const count = this.#status === 'finished' ? Number.POSITIVE_INFINITY : this.#allowed
    for (const arrival of this.#waiting.splice(0, count)) {
      this.#left--
      this.#share.take(1)
      this.#passOn(arrival)
    }
    if (this.#status === 'finished' || (this.#left === MAX_PER_TASK && this.#waiting.length === 0)) return
    this.#next ??= endOfTask(() => this.#onTask())
    this.#next.schedule()
  }

  get #allowed(): number {
    return Math.min(this.#left, this.#share.available(this.#now()))
  }

  #onTask(): void {
    this.#left = MAX_PER_TASK
    this.#timer = undefined
    if (this.#waiting.length === 0) return
    if (this.#allowed > 0) this.#pass()
    else this.#timer = setTimeout(() => this.#onTask(), this.#share.delayMs(MAX_PER_TASK))
  }
}
