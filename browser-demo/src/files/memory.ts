// Without a worker and without a disk: private windows of some browsers, and tests in Node.
import { RunningDigest } from './digest.ts'
import { maxBytesInMemory } from './limits.ts'
import { type Source, type Storage, StorageError, type Store } from './storage.ts'

export class MemoryStorage implements Storage {
  readonly #maxBytes: number
  #usedBytes = 0

  constructor(maxBytes = maxBytesInMemory) {
    this.#maxBytes = maxBytes
  }

  async create(sizeBytes: number): Promise<Store> {
    if (this.#usedBytes + sizeBytes > this.#maxBytes) {
      throw new StorageError('This browser gives the page no disk, and the memory for files is used up: remove some')
    }
    this.#usedBytes += sizeBytes
    return new MemoryStore(() => {
      this.#usedBytes -= sizeBytes
    })
  }
}

class MemoryStore implements Store {
  readonly #digest = new RunningDigest()
  readonly #free: () => void
  /** Blobs, because browsers may keep those out of the page's own memory. */
  #parts: Blob[] = []
  #removed = false

  constructor(free: () => void) {
    this.#free = free
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#digest.update(bytes)
    this.#parts.push(new Blob([bytes]))
  }

  async finish(): Promise<string> {
    return this.#digest.hex()
  }

  async contents(): Promise<Blob> {
    return new Blob(this.#parts)
  }

  async remove(): Promise<void> {
    if (this.#removed) return
    this.#removed = true
    this.#parts = []
    this.#free()
  }
}

/** Reads and hashes where it is called. */
export function sourceOf(file: File): Source {
  const digest = new RunningDigest()
  return {
    name: file.name,
    sizeBytes: file.size,
    async read(from, to) {
      const bytes = new Uint8Array(await file.slice(from, to).arrayBuffer())
      digest.update(bytes, from)
      return bytes
    },
    digest: async () => digest.hex(),
    close() {}
  }
}
