import { Rng } from '../rng.ts'

/** Names a session, the same on both sides: bytes of one session must never appear in another. */
export type Tag = number

/** A prime: what is lost or repeated shows, unless it is a multiple of this. */
const PERIOD = 65_521
const PATTERN = Buffer.alloc(2 * PERIOD)
PATTERN.set(new Rng(2).bytes(PERIOD))
PATTERN.copyWithin(PERIOD, 0)

export function tagOf(instances: readonly [string, string], epoch: number): Tag {
  let tag = epoch
  for (const char of [...instances].sort().join()) tag = (Math.imul(tag, 31) + char.charCodeAt(0)) | 0
  return tag
}

export function contentOf(tag: Tag, stream: number, from: number, bytes: number): Uint8Array {
  const start = startOf(tag, stream, from)
  return PATTERN.subarray(start, start + bytes)
}

export function isContent(tag: Tag, stream: number, from: number, data: Uint8Array): boolean {
  const start = startOf(tag, stream, from)
  return PATTERN.compare(data, 0, data.byteLength, start, start + data.byteLength) === 0
}

function startOf(tag: Tag, stream: number, offset: number): number {
  return ((Math.imul(tag + stream, 0x9e3779b1) >>> 0) + offset) % PERIOD
}
