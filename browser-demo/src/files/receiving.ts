import type { Stream } from '@libp2p/interface'
import { reportIntervalMs, sliceBytes } from './limits.ts'
import { type Digest, FileProtocolError, framed, maxMessageBytes, parseTrailer } from './protocol.ts'
import { StorageError, type Store } from './storage.ts'
import type { Transfer } from './transfer.ts'

/** Slices on their way to the disk at once: it and the network work side by side, and memory stays at 1 MiB per file. */
const maxWriting = 4

/** A file that comes in, over as many streams as it takes. */
export class Incoming {
  readonly #transfer: Transfer
  readonly #store: Store
  #acceptedBytes = 0
  #storedBytes = 0
  #reportedAtMs = Number.NEGATIVE_INFINITY
  #slice = new Uint8Array(sliceBytes)
  #sliceLength = 0
  #writing: Array<Promise<void>> = []
  #digest: Promise<string> | undefined
  #removed: Promise<void> | undefined
  /** Streams take turns: an old one may have bytes in hand when the next is there. */
  #turn: Promise<void> = Promise.resolve()

  constructor(transfer: Transfer, store: Store) {
    this.#transfer = transfer
    this.#store = store
  }

  /**
   * What this stream brings, from where the last one ended.
   *
   * @throws {FileProtocolError} {@link StorageError} final; anything else is the stream's end
   */
  async receive(stream: Stream): Promise<void> {
    const before = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    await before
    try {
      stream.send(framed({ type: 'accepted', offsetBytes: this.#acceptedBytes }))
      this.#transfer.become({ status: 'running' })
      const theirs = await this.#readFrom(stream)
      const ours = await this.#finish()
      stream.send(framed({ type: 'digest', sha256: ours, sizeBytes: this.#storedBytes }))
      await stream.close()
      this.#transfer.contents.value ??= await this.#store.contents()
      this.#transfer.become({ status: 'done', digests: { ours, theirs: theirs.sha256 } })
    } finally {
      resolve()
    }
  }

  /** What is stored goes, once nothing writes any more. */
  remove(): Promise<void> {
    this.#removed ??= this.#remove()
    return this.#removed
  }

  async #remove(): Promise<void> {
    await this.#turn
    await Promise.allSettled(this.#writing)
    await this.#store.remove()
  }

  async #readFrom(stream: Stream): Promise<Digest> {
    const trailer: Uint8Array[] = []
    let trailerBytes = 0
    try {
      for await (const chunk of stream) {
        const bytes = chunk.subarray()
        const missing = this.#transfer.sizeBytes - this.#acceptedBytes
        await this.#take(bytes.subarray(0, missing), stream)
        if (bytes.byteLength <= missing) continue
        trailer.push(bytes.slice(missing))
        trailerBytes += bytes.byteLength - missing
        if (trailerBytes > maxMessageBytes) throw new FileProtocolError('The file is longer than announced')
      }
    } finally {
      await this.#flush()
    }
    if (this.#acceptedBytes < this.#transfer.sizeBytes || trailerBytes === 0) throw new Error('the stream ended early')
    return parseTrailer(new Uint8Array(await new Blob(trailer as Uint8Array<ArrayBuffer>[]).arrayBuffer()))
  }

  async #take(bytes: Uint8Array, stream: Stream): Promise<void> {
    let left = bytes
    while (left.byteLength > 0) {
      const part = left.subarray(0, sliceBytes - this.#sliceLength)
      this.#slice.set(part, this.#sliceLength)
      this.#sliceLength += part.byteLength
      this.#acceptedBytes += part.byteLength
      left = left.subarray(part.byteLength)
      if (this.#sliceLength < sliceBytes) continue
      this.#write()
      // The loop takes the next chunk when the disk has room for it: until then the sender waits.
      if (this.#writing.length >= maxWriting) await this.#writing.shift()
    }
    const now = performance.now()
    if (now - this.#reportedAtMs < reportIntervalMs) return
    this.#reportedAtMs = now
    this.#transfer.progress(this.#storedBytes)
    stream.send(framed({ type: 'stored', storedBytes: this.#storedBytes }))
  }

  #write(): void {
    const bytes = this.#slice.subarray(0, this.#sliceLength)
    const length = bytes.byteLength
    this.#slice = new Uint8Array(sliceBytes)
    this.#sliceLength = 0
    const written = this.#store.write(bytes).then(
      () => {
        this.#storedBytes += length
      },
      (err) => {
        throw err instanceof StorageError ? err : new StorageError(`This browser could not store it: ${err.message}`)
      }
    )
    written.catch(() => {})
    this.#writing.push(written)
  }

  async #flush(): Promise<void> {
    if (this.#sliceLength > 0) this.#write()
    await Promise.all(this.#writing.splice(0))
    this.#transfer.progress(this.#storedBytes)
  }

  #finish(): Promise<string> {
    this.#transfer.become({ status: 'checking' })
    this.#digest ??= this.#store.finish()
    return this.#digest
  }
}
