import * as varint from 'uint8-varint'
import { type Frame, FrameType } from './frames.ts'
import { Confirm, Hello } from './pb/handshake.pb.ts'

/**
 * One frame as bytes: `uvarint(length of what follows) uvarint(type) fields`. A STREAM frame's payload is not copied: it
 * is the last chunk, so that large payloads reach the carrier as they are.
 */
export function encodeFrame(frame: Frame): Uint8Array[] {
  switch (frame.type) {
    case 'hello': {
      const { instance, path, epoch, streamWindow, sessionWindow } = frame
      return delimited(
        FrameType.HELLO,
        [],
        Hello.encode({ instance: own(instance), path, epoch, streamWindow, sessionWindow })
      )
    }
    case 'confirm':
      return delimited(FrameType.CONFIRM, [], Confirm.encode({ instance: own(frame.instance), epoch: frame.epoch }))
    case 'stream':
      return delimited(FrameType.STREAM, [frame.stream, frame.offset, frame.fin ? 1 : 0], frame.data)
    case 'reset':
      return delimited(FrameType.RESET, [frame.stream, frame.code, frame.finalOffset])
    case 'stopSending':
      return delimited(FrameType.STOP_SENDING, [frame.stream, frame.code])
    case 'maxData':
      return delimited(FrameType.MAX_DATA, [frame.max])
    case 'maxStreamData':
      return delimited(FrameType.MAX_STREAM_DATA, [frame.stream, frame.max])
    case 'blocked':
      return delimited(FrameType.BLOCKED, [optional(frame.stream), frame.limit])
    case 'ack':
      return delimited(FrameType.ACK, [frame.path, frame.sequence, frame.delayMs])
    case 'ping':
      return delimited(FrameType.PING, [frame.nonce])
    case 'pong':
      return delimited(FrameType.PONG, [frame.nonce])
    case 'status':
      return delimited(FrameType.STATUS, [
        optional(frame.suspects),
        optional(frame.prefers),
        optional(frame.usedBytes),
        frame.renew ? 1 : 0
      ])
    case 'goaway':
      return delimited(FrameType.GOAWAY, [frame.path, frame.reason, frame.delayMs])
    case 'close':
      return delimited(FrameType.CLOSE, [frame.code, frame.streams, frame.seen])
  }
}

/** `undefined` is 0 on the wire, a value n is n + 1. */
function optional(value: number | undefined): number {
  return value == null ? 0 : value + 1
}

function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}

function delimited(type: number, fields: number[], payload?: Uint8Array): Uint8Array[] {
  let fieldBytes = varint.encodingLength(type)
  for (const field of fields) fieldBytes += varint.encodingLength(field)
  const bodyBytes = fieldBytes + (payload?.byteLength ?? 0)
  const lengthBytes = varint.encodingLength(bodyBytes)
  const head = new Uint8Array(lengthBytes + fieldBytes)
  varint.encodeUint8Array(bodyBytes, head, 0)
  let at = lengthBytes
  for (const value of [type, ...fields]) {
    varint.encodeUint8Array(value, head, at)
    at += varint.encodingLength(value)
  }
  return payload == null || payload.byteLength === 0 ? [head] : [head, payload]
}
