import type { StreamState } from './stream-state.ts'

/** Streams with at most this much to send go first: a message must not wait behind bulk. One free prefix is small. */
const SMALL_BYTES = 4_096

/** Small streams in a row before bulk gets a turn, so that a flood of them cannot starve it. */
const MAX_SMALL_IN_A_ROW = 8

/** Which stream sends the next frame: small ones first, otherwise round-robin, one frame each. */
export class Scheduler {
  readonly #small = new Set<StreamState>()
  readonly #bulk = new Set<StreamState>()
  /** Bytes wait, credit does not allow them. */
  readonly waiting = new Set<StreamState>()
  #smallInARow = 0

  /** Call whenever what a stream could send may have changed; moves it to the end of its queue. */
  refresh(stream: StreamState, sessionCredit: number): void {
    this.remove(stream)
    if (stream.send.hasPending(sessionCredit)) {
      const queue = stream.send.pendingBytes <= SMALL_BYTES ? this.#small : this.#bulk
      queue.add(stream)
    } else if (stream.send.pendingBytes > 0) {
      this.waiting.add(stream)
    }
  }

  remove(stream: StreamState): void {
    this.#small.delete(stream)
    this.#bulk.delete(stream)
    this.waiting.delete(stream)
  }

  clear(): void {
    this.#small.clear()
    this.#bulk.clear()
    this.waiting.clear()
  }

  next(): StreamState | undefined {
    const small = first(this.#small)
    const bulk = first(this.#bulk)
    if (small != null && (bulk == null || this.#smallInARow < MAX_SMALL_IN_A_ROW)) {
      this.#smallInARow++
      return small
    }
    this.#smallInARow = 0
    return bulk
  }
}

function first<T>(set: Set<T>): T | undefined {
  for (const value of set) return value
  return undefined
}
