import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import type { Delivery, ReadCredit } from './read-credit.ts'

/** Chunks an iterator holds before data waits in the read buffer, where small ones are merged. */
const MAX_QUEUED_CHUNKS = 64

export interface QueuedChunk {
  readonly data: Uint8Array
  readonly delivery: Delivery
  /** The last one of its delivery in this queue. */
  readonly last: boolean
}

/** The stream as its iterators see it. */
export interface IteratedStream {
  readonly events: Pick<Stream, 'addEventListener' | 'removeEventListener'>
  readonly credit: ReadCredit
  /** Nothing will come any more. */
  isReadDone(): boolean
  /** What it ended with. */
  error(): Error | undefined
  /** No iterator is full any more: what waits in the read buffer may come. */
  onRoom(): void
  /** An iterator ended early, with these not passed on. */
  onPutBack(chunks: QueuedChunk[]): void
}

const ENDS = ['close', 'remoteCloseWrite', 'end'] as const

/** The `for await` loops over one stream. What they do not pull stays unacknowledged credit, so the peer stops at the window. */
export class StreamIterators {
  readonly #stream: IteratedStream
  /** With as much as they are willing to queue. */
  readonly #full = new Set<object>()
  #count = 0

  constructor(stream: IteratedStream) {
    this.#stream = stream
  }

  get count(): number {
    return this.#count
  }

  /** The slowest holds up all of them. */
  get isFull(): boolean {
    return this.#full.size > 0
  }

  async *iterate(): AsyncGenerator<Uint8Array> {
    const { events, credit } = this.#stream
    const queue: QueuedChunk[] = []
    let wake = Promise.withResolvers<void>()
    const onChange = (): void => wake.resolve()
    const onMessage = ({ data }: StreamMessageEvent): void => {
      this.#fill(queue, data instanceof Uint8Array ? [data] : [...data])
      wake.resolve()
    }
    this.#count++
    events.addEventListener('message', onMessage)
    for (const type of ENDS) events.addEventListener(type, onChange)
    try {
      for (;;) {
        const next = queue.shift()
        if (next != null) {
          if (queue.length === 0 && this.#full.delete(queue)) queueMicrotask(() => this.#stream.onRoom())
          credit.onPassedOn(next.delivery, next.data.byteLength, next.last)
          yield next.data
        } else if (this.#stream.isReadDone()) {
          break
        } else {
          await wake.promise
          wake = Promise.withResolvers()
        }
      }
      // An end that is not the peer's own must not look like one.
      const error = this.#stream.error()
      if (error != null) throw error
    } finally {
      this.#count--
      this.#full.delete(queue)
      events.removeEventListener('message', onMessage)
      for (const type of ENDS) events.removeEventListener(type, onChange)
      this.#stream.onPutBack(queue)
    }
  }

  #fill(queue: QueuedChunk[], chunks: Uint8Array[]): void {
    const delivery = this.#stream.credit.hold()
    for (let i = 0; i < chunks.length; i++) {
      queue.push({ data: chunks[i]!, delivery, last: i === chunks.length - 1 })
    }
    if (queue.length >= MAX_QUEUED_CHUNKS) this.#full.add(queue)
  }
}
