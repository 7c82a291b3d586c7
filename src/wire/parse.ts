import { INSTANCE_ID_BYTES } from './constants.ts'
import { MalformedFrameError, UnknownFrameError } from './errors.ts'
import { type Frame, FrameType } from './frames.ts'
import { Confirm, Hello } from './pb/handshake.pb.ts'

/**
 * One frame body (type and fields, without its length prefix).
 *
 * @throws {UnknownFrameError}
 * @throws {MalformedFrameError} truncated, out of range, or bytes left over
 */
export function parseFrame(body: Uint8Array): Frame {
  const reader = new Reader(body)
  const type = reader.number()
  switch (type) {
    case FrameType.HELLO: {
      const { instance, path, epoch, streamWindow, sessionWindow } = handshake(() => Hello.decode(reader.rest()))
      return { type: 'hello', instance: instanceId(instance), path, epoch, streamWindow, sessionWindow }
    }
    case FrameType.CONFIRM: {
      const { instance, epoch } = handshake(() => Confirm.decode(reader.rest()))
      return { type: 'confirm', instance: instanceId(instance), epoch }
    }
    case FrameType.STREAM:
      return {
        type: 'stream',
        stream: reader.number(),
        offset: reader.number(),
        fin: reader.boolean(),
        data: reader.rest()
      }
    case FrameType.RESET:
      return reader.end({ type: 'reset', stream: reader.number(), code: reader.number(), finalOffset: reader.number() })
    case FrameType.STOP_SENDING:
      return reader.end({ type: 'stopSending', stream: reader.number(), code: reader.number() })
    case FrameType.MAX_DATA:
      return reader.end({ type: 'maxData', max: reader.number() })
    case FrameType.MAX_STREAM_DATA:
      return reader.end({ type: 'maxStreamData', stream: reader.number(), max: reader.number() })
    case FrameType.BLOCKED:
      return reader.end({ type: 'blocked', stream: reader.optional(), limit: reader.number() })
    case FrameType.ACK:
      return reader.end({ type: 'ack', path: reader.number(), sequence: reader.number(), delayMs: reader.number() })
    case FrameType.PING:
      return reader.end({ type: 'ping', nonce: reader.number() })
    case FrameType.PONG:
      return reader.end({ type: 'pong', nonce: reader.number() })
    case FrameType.STATUS:
      return reader.end({
        type: 'status',
        suspects: reader.optional(),
        prefers: reader.optional(),
        usedBytes: reader.optional(),
        renew: reader.boolean()
      })
    case FrameType.GOAWAY:
      return reader.end({ type: 'goaway', path: reader.number(), reason: reader.number(), delayMs: reader.number() })
    case FrameType.CLOSE:
      return reader.end({ type: 'close', code: reader.number(), streams: reader.number(), seen: reader.number() })
    default:
      throw new UnknownFrameError(type)
  }
}

function handshake<T>(decode: () => T): T {
  try {
    return decode()
  } catch (err) {
    throw new MalformedFrameError('Peer sent a handshake frame that is not valid protobuf', { cause: err })
  }
}

function instanceId(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength !== INSTANCE_ID_BYTES) {
    throw new MalformedFrameError(`Peer sent an instance id of ${bytes.byteLength} bytes, not ${INSTANCE_ID_BYTES}`)
  }
  // Outlives the chunk it arrived in.
  return bytes.slice()
}

class Reader {
  readonly #body: Uint8Array
  #at = 0

  constructor(body: Uint8Array) {
    this.#body = body
  }

  /** A varint of at most 2^53 - 1. Plain arithmetic: shifts would cut at 32 bits. */
  number(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#body[this.#at]
      if (byte == null) throw new MalformedFrameError('Peer sent a truncated frame')
      this.#at++
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw new MalformedFrameError('Peer sent a number above 2^53 - 1')
      if (byte < 0x80) return value
      scale *= 128
      if (scale >= 2 ** 56) throw new MalformedFrameError('Peer sent a varint of more than 8 bytes')
    }
  }

  optional(): number | undefined {
    const value = this.number()
    return value === 0 ? undefined : value - 1
  }

  boolean(): boolean {
    const value = this.number()
    if (value > 1) throw new MalformedFrameError(`Peer sent flags ${value}, only 0 and 1 are defined`)
    return value === 1
  }

  rest(): Uint8Array {
    const rest = this.#body.subarray(this.#at)
    this.#at = this.#body.byteLength
    return rest
  }

  end<T extends Frame>(frame: T): T {
    const left = this.#body.byteLength - this.#at
    if (left > 0) throw new MalformedFrameError(`Peer sent ${left} bytes after the fields of a ${frame.type} frame`)
    return frame
  }
}
