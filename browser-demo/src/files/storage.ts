import type { EndReason } from './protocol.ts'

/** A file to send. */
export interface Source {
  readonly name: string
  readonly sizeBytes: number
  /** Read in order, but for a part that was lost with a link, from where it continues. @throws the file changed or is gone */
  read(from: number, to: number): Promise<Uint8Array>
  /** Over the whole file, as it was read. */
  digest(): Promise<string>
  close(): void
}

/** Where a file that comes in is kept until it is saved or removed. */
export interface Store {
  /** In order. Takes the buffer over; resolves when the bytes are stored and part of the digest. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>
  /** Nothing follows. Resolves with the SHA-256 of what was stored, in hex. */
  finish(): Promise<string>
  /** After `finish`. */
  contents(): Promise<Blob>
  remove(): Promise<void>
}

export interface Storage {
  /** @throws {StorageError} there is no room for this */
  create(sizeBytes: number): Promise<Store>
}

/** This page cannot keep the file; the message says why, for people. */
export class StorageError extends Error {
  override name = 'StorageError'
  readonly reason: EndReason = 'storage'
}
