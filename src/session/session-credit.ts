import { CREDIT_FRACTION, FREE_STREAM_BYTES } from './config.ts'
import { FlowControlError } from './errors.ts'
import type { ReceiveHalf } from './receive-half.ts'

/** What session credit counts of a stream that reached this offset. */
export function counted(offset: number): number {
  return Math.max(0, offset - FREE_STREAM_BYTES)
}

/** Session credit we give the peer: sums over all streams, those already forgotten included. */
export class ReceiveCredit {
  #granted: number
  #received = 0
  #consumed = 0
  #bufferedBytes = 0
  readonly #window: number

  constructor(window: number) {
    this.#window = window
    this.#granted = window
  }

  get granted(): number {
    return this.#granted
  }

  /** Bytes waiting behind gaps. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** @throws {FlowControlError} a stream may not grow from one of these offsets to the other */
  check(before: number, after: number): void {
    const received = this.#received + Math.max(0, counted(after) - counted(before))
    if (received > this.#granted) {
      throw new FlowControlError(`Peer sent ${received} bytes over all streams, its credit is ${this.#granted}`)
    }
  }

  /** Keeps the sums right across a change of one receiving half. Says whether more was granted: MAX_DATA is due. */
  change(receive: ReceiveHalf, change: () => void): boolean {
    const { highest, consumed, bufferedBytes } = receive
    try {
      change()
    } finally {
      // A refused frame may have been taken in part.
      this.#add(receive, highest, consumed, bufferedBytes)
    }
    const max = this.#consumed + this.#window
    // Of what the peer may still send, not of the window: unread streams leave little of that to the others.
    if (max === this.#granted || max - this.#granted < (max - this.#received) / CREDIT_FRACTION) return false
    this.#granted = max
    return true
  }

  #add(receive: ReceiveHalf, highest: number, consumed: number, bufferedBytes: number): void {
    this.#bufferedBytes += receive.bufferedBytes - bufferedBytes
    this.#received += counted(receive.highest) - counted(highest)
    this.#consumed += counted(receive.consumed) - counted(consumed)
  }

  /** No stream is left. */
  clear(): void {
    this.#bufferedBytes = 0
  }
}
