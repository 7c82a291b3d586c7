import { type Frame, FrameType, INSTANCE_ID_BYTES, MAX_STREAM_PAYLOAD } from '../../../src/wire/index.ts'
import type { Rng } from '../../sim/support/rng.ts'

export const FRAME_TYPES: readonly Frame['type'][] = [
  'hello',
  'confirm',
  'stream',
  'reset',
  'stopSending',
  'maxData',
  'maxStreamData',
  'blocked',
  'ack',
  'ping',
  'pong',
  'status',
  'goaway',
  'close'
]

if (FRAME_TYPES.length !== Object.keys(FrameType).length) throw new Error('A frame type is missing from FRAME_TYPES')

/** Every magnitude is equally likely, and the borders of each varint length are frequent. */
export function randomNumber(rng: Rng, max = Number.MAX_SAFE_INTEGER): number {
  const bits = rng.int(54)
  const border = 2 ** bits
  const value = rng.chance(0.5) ? border - 1 + rng.int(3) : Math.floor(rng.next() * border)
  return Math.min(value, max)
}

/** An optional field goes over the wire as n + 1, so the greatest number has no place there. */
function optional(rng: Rng): number | undefined {
  return rng.chance(0.4) ? undefined : randomNumber(rng, Number.MAX_SAFE_INTEGER - 1)
}

export function randomFrame(rng: Rng, type: Frame['type'] = rng.pick(FRAME_TYPES)): Frame {
  const n = () => randomNumber(rng)
  switch (type) {
    case 'hello':
      return {
        type,
        instance: rng.bytes(INSTANCE_ID_BYTES),
        path: n(),
        epoch: n(),
        streamWindow: n(),
        sessionWindow: n()
      }
    case 'confirm':
      return { type, instance: rng.bytes(INSTANCE_ID_BYTES), epoch: n() }
    case 'stream': {
      const length = rng.pick([0, 1, rng.int(300), rng.int(300), rng.int(MAX_STREAM_PAYLOAD + 1)])
      return { type, stream: n(), offset: n(), fin: rng.chance(0.5), data: rng.bytes(length) }
    }
    case 'reset':
      return { type, stream: n(), code: n(), finalOffset: n() }
    case 'stopSending':
      return { type, stream: n(), code: n() }
    case 'maxData':
      return { type, max: n() }
    case 'maxStreamData':
      return { type, stream: n(), max: n() }
    case 'blocked':
      return { type, stream: optional(rng), limit: n() }
    case 'ack':
      return { type, path: n(), sequence: n(), delayMs: n() }
    case 'ping':
    case 'pong':
      return { type, nonce: n() }
    case 'status':
      return {
        type,
        suspects: optional(rng),
        prefers: optional(rng),
        usedBytes: optional(rng),
        renew: rng.chance(0.5)
      }
    case 'goaway':
      return { type, path: n(), reason: n(), delayMs: n() }
    case 'close':
      return { type, code: n(), streams: n(), seen: n() }
  }
}
