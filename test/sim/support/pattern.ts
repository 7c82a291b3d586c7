import { Rng } from './rng.ts'

/** No stream direction is longer than this. */
export const MAX_CONTENT_BYTES = 262_144

const PATTERN = Buffer.from(new Rng(1).bytes(2 * MAX_CONTENT_BYTES).buffer)

/** What a stream direction carries is a function of its `content` number and the offset: any mix-up shows. */
export function contentOf(content: number, from: number, to: number): Uint8Array {
  const start = startOf(content)
  return PATTERN.subarray(start + from, start + to)
}

export function isContent(content: number, from: number, data: Uint8Array): boolean {
  const start = startOf(content) + from
  return PATTERN.compare(data, 0, data.byteLength, start, start + data.byteLength) === 0
}

function startOf(content: number): number {
  return Math.imul(content + 1, 0x9e3779b1) >>> 14
}
