import { sha256 } from '@noble/hashes/sha2.js'

/** SHA-256 in pieces: `crypto.subtle` wants all bytes at once. */
export class RunningDigest {
  readonly #hash = sha256.create()
  #bytes = 0

  /** How many bytes are in it. */
  get bytes(): number {
    return this.#bytes
  }

  /** Bytes of the file from `offset` on; those that are in it already are passed over. */
  update(data: Uint8Array, offset = this.#bytes): void {
    const from = this.#bytes - offset
    if (from < 0) throw new Error(`bytes ${this.#bytes} to ${offset} of the file were never read`)
    if (from >= data.byteLength) return
    const fresh = data.subarray(from)
    this.#hash.update(fresh)
    this.#bytes += fresh.byteLength
  }

  hex(): string {
    return Array.from(this.#hash.clone().digest(), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}
