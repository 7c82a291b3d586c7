// The two ways to read a stream, each with a reader that stops after so many bytes until it is told to go on.
import { createHash } from 'node:crypto'
import type { Stream } from '@libp2p/interface'

export type Manner = 'for await' | 'events'

export interface Outcome {
  readonly bytes: number
  readonly hash: string
  /** What the stream ended with. */
  readonly error?: string
}

/** One stream being read. */
export class Reading {
  readonly stream: Stream
  takenBytes = 0
  readonly outcome: Promise<Outcome>
  readonly #hash = createHash('sha256')
  readonly #pauseAtBytes: number
  readonly #paused = Promise.withResolvers<void>()
  readonly #resumed = Promise.withResolvers<void>()

  constructor(stream: Stream, manner: Manner, pauseAtBytes: number) {
    this.stream = stream
    this.#pauseAtBytes = pauseAtBytes
    const read = manner === 'events' ? this.#readEvents() : this.#readIterator()
    this.outcome = read.then(
      () => this.#result(),
      (err: Error) => this.#result(err)
    )
    // Who waits for the pause learns of an end before it.
    void this.outcome.then(() => this.#paused.resolve())
  }

  get paused(): Promise<void> {
    return this.#paused.promise
  }

  resume(): void {
    this.#resumed.resolve()
  }

  #result(error?: Error): Outcome {
    const { takenBytes: bytes } = this
    return {
      bytes,
      hash: this.#hash.digest('hex'),
      ...(error == null ? {} : { error: `${error.name}: ${error.message}` })
    }
  }

  /** Whether the reader stops after this. */
  #take(data: Uint8Array): boolean {
    const before = this.takenBytes
    this.#hash.update(data)
    this.takenBytes += data.byteLength
    return before < this.#pauseAtBytes && this.takenBytes >= this.#pauseAtBytes
  }

  async #readIterator(): Promise<void> {
    for await (const data of this.stream) {
      if (!this.#take(data.subarray())) continue
      this.#paused.resolve()
      await this.#resumed.promise
    }
  }

  async #readEvents(): Promise<void> {
    const { stream } = this
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    stream.addEventListener('message', ({ data }) => {
      if (!this.#take(data.subarray())) return
      stream.pause()
      this.#paused.resolve()
      void this.#resumed.promise.then(() => stream.resume()).catch(reject)
    })
    stream.addEventListener('end', () => resolve())
    stream.addEventListener('close', ({ error }) => {
      if (error != null) reject(error)
    })
    await promise
  }
}
