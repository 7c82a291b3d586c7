import { type EndOfTask, endOfTask } from '../path/index.ts'

/** Each costs about 0.15 ms of negotiation: 500 streams in one carrier message would hold up every other link for 75 ms. */
const MAX_PER_TASK = 4

/** Passes on what arrives, a few per task; the others wait, in order. */
export class Arrivals<T> {
  readonly #passOn: (arrival: T) => void
  #waiting: T[] = []
  #left = MAX_PER_TASK
  #next: EndOfTask | undefined

  constructor(passOn: (arrival: T) => void) {
    this.#passOn = passOn
  }

  add(arrival: T): void {
    if (this.#left === 0 || this.#waiting.length > 0) {
      this.#waiting.push(arrival)
      return
    }
    this.#left--
    this.#schedule()
    this.#passOn(arrival)
  }

  /** All at once: it is the end. */
  finish(): void {
    this.#next?.stop()
    this.#next = undefined
    this.#left = Number.POSITIVE_INFINITY
    for (const arrival of this.#waiting.splice(0)) this.#passOn(arrival)
  }

  #schedule(): void {
    if (this.#left === Number.POSITIVE_INFINITY) return
    this.#next ??= endOfTask(() => this.#onTask())
    this.#next.schedule()
  }

  #onTask(): void {
    this.#left = MAX_PER_TASK
    for (const arrival of this.#waiting.splice(0, MAX_PER_TASK)) {
      this.#left--
      this.#schedule()
      this.#passOn(arrival)
    }
  }
}
