import { encodeFrame, type Frame, FrameDecoder } from '../../../src/wire/index.ts'

export function join(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const chunk of chunks) length += chunk.byteLength
  const out = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.byteLength
  }
  return out
}

export function encoded(frame: Frame): Uint8Array {
  return join(encodeFrame(frame))
}

/** Payloads are copied, so that a frame can be compared after its chunk was overwritten. */
export function kept(frame: Frame): Frame {
  return frame.type === 'stream' ? { ...frame, data: frame.data.slice() } : frame
}

export function decodeAll(...chunks: Uint8Array[]): Frame[] {
  const decoder = new FrameDecoder()
  return chunks.flatMap((chunk) => [...decoder.push(chunk)].map(kept))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function fromHex(text: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error(`Not hex: '${text}'`)
  return new Uint8Array(Buffer.from(text, 'hex'))
}

/** A varint of any value, also beyond what `encodeFrame` can write; `pad` adds that many needless bytes. */
export function varint(value: bigint | number, pad = 0): Uint8Array {
  const out: number[] = []
  let rest = BigInt(value)
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  out.push(Number(rest))
  for (let i = 0; i < pad; i++) {
    out[out.length - 1]! |= 128
    out.push(0)
  }
  return Uint8Array.from(out)
}

/** A frame by hand: length prefix, type and whatever follows. */
export function rawFrame(type: number, ...fields: Uint8Array[]): Uint8Array {
  const body = join([varint(type), ...fields])
  return join([varint(body.byteLength), body])
}
