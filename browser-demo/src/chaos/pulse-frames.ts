import type { Report } from './ledger.ts'

export const pulseProtocol = '/holdfast-demo/pulse/1.0.0'

const headerBytes = 5
const maxFillerBytes = 2_048

/** With room for what a later version adds. */
export const maxFrameBytes = 4_096

export interface Pulse {
  readonly number: number
  /** Report this one at once. */
  readonly isUrgent: boolean
}

/** A number, a flag, and filler: bytes and their length differ from frame to frame. */
export function encodePulse({ number, isUrgent }: Pulse): Uint8Array<ArrayBuffer> {
  let random = (number * 2_654_435_761 + 1) >>> 0
  const next = (): number => {
    random ^= random << 13
    random ^= random >>> 17
    random ^= random << 5
    random >>>= 0
    return random
  }
  const frame = new Uint8Array(headerBytes + (next() % maxFillerBytes))
  const view = new DataView(frame.buffer)
  view.setUint32(0, number)
  view.setUint8(4, isUrgent ? 1 : 0)
  for (let at = headerBytes; at < frame.byteLength; at++) frame[at] = next()
  return frame
}

/** @throws {RangeError} it is too short */
export function decodePulse(frame: Uint8Array): Pulse {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  return { number: view.getUint32(0), isUrgent: view.getUint8(4) === 1 }
}

export const encodeReport = (report: Report): Uint8Array => new TextEncoder().encode(JSON.stringify(report))

/** @throws what is wrong with it */
export function decodeReport(bytes: Uint8Array): Report {
  const report = JSON.parse(new TextDecoder().decode(bytes)) as Record<keyof Report, unknown>
  const number = (key: Exclude<keyof Report, 'digest'>, min = 0): number => {
    const value = report[key]
    if (!Number.isSafeInteger(value) || (value as number) < min) throw new RangeError(`the report has no ${key}`)
    return value as number
  }
  return {
    frames: number('frames'),
    highest: number('highest', -1),
    arrivedBytes: number('arrivedBytes'),
    repeatedBytes: number('repeatedBytes'),
    reorderedBytes: number('reorderedBytes'),
    digest: String(report.digest)
  }
}
