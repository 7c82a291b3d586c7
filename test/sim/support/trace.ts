import type { Frame } from '../../../src/wire/index.ts'

export type Trace = (text: string) => void

/** One line per frame, for people. */
export function describeFrame(frame: Frame): string {
  if (frame.type === 'stream') {
    const { stream, offset, fin, data } = frame
    return `stream ${stream} [${offset}..${offset + data.byteLength}${fin ? ' FIN' : ''}]`
  }
  const fields = Object.entries(frame).filter(([key, value]) => key !== 'type' && value !== undefined)
  const text = fields.map(([key, value]) => `${key} ${value instanceof Uint8Array ? hex(value) : value}`)
  return `${frame.type} ${text.join(' ')}`
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 4)).toString('hex')
}
