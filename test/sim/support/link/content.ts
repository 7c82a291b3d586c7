/** Names a session, the same on both sides: bytes of one session must never appear in another. */
export type Tag = number

export function tagOf(instances: readonly [string, string], epoch: number): Tag {
  let tag = epoch
  for (const char of [...instances].sort().join()) tag = (Math.imul(tag, 31) + char.charCodeAt(0)) | 0
  return tag
}

export function byteAt(tag: Tag, stream: number, offset: number): number {
  return (Math.imul(offset, 0x9e3779b1) + Math.imul(stream, 77) + tag) >>> 24
}
