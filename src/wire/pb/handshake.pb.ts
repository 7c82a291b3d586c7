import { decodeMessage, encodeMessage, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface Hello {
  instance: Uint8Array<ArrayBuffer>
  path: number
  epoch: number
  streamWindow: number
  sessionWindow: number
}

export namespace Hello {
  let _codec: Codec<Hello>

  export const codec = (): Codec<Hello> => {
    if (_codec == null) {
      _codec = message<Hello>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.instance != null && obj.instance.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.instance)
        }

        if ((obj.path != null && obj.path !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.path)
        }

        if ((obj.epoch != null && obj.epoch !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.epoch)
        }

        if ((obj.streamWindow != null && obj.streamWindow !== 0)) {
          w.uint32(32)
          w.uint64Number(obj.streamWindow)
        }

        if ((obj.sessionWindow != null && obj.sessionWindow !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.sessionWindow)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          instance: uint8ArrayAlloc(0),
          path: 0,
          epoch: 0,
          streamWindow: 0,
          sessionWindow: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.instance = reader.bytes()
              break
            }
            case 2: {
              obj.path = reader.uint64Number()
              break
            }
            case 3: {
              obj.epoch = reader.uint64Number()
              break
            }
            case 4: {
              obj.streamWindow = reader.uint64Number()
              break
            }
            case 5: {
              obj.sessionWindow = reader.uint64Number()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.instance`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.path`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.epoch`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.streamWindow`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.sessionWindow`,
                value: reader.uint64Number()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface HelloInstanceFieldEvent {
    field: '$.instance'
    value: Uint8Array<ArrayBuffer>
  }

  export interface HelloPathFieldEvent {
    field: '$.path'
    value: number
  }

  export interface HelloEpochFieldEvent {
    field: '$.epoch'
    value: number
  }

  export interface HelloStreamWindowFieldEvent {
    field: '$.streamWindow'
    value: number
  }

  export interface HelloSessionWindowFieldEvent {
    field: '$.sessionWindow'
    value: number
  }

  export function encode (obj: Partial<Hello>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Hello.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Hello>): Hello {
    return decodeMessage(buf, Hello.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Hello>): Generator<HelloInstanceFieldEvent | HelloPathFieldEvent | HelloEpochFieldEvent | HelloStreamWindowFieldEvent | HelloSessionWindowFieldEvent> {
    return streamMessage(buf, Hello.codec(), opts)
  }
}

export interface Confirm {
  instance: Uint8Array<ArrayBuffer>
  epoch: number
}

export namespace Confirm {
  let _codec: Codec<Confirm>

  export const codec = (): Codec<Confirm> => {
    if (_codec == null) {
      _codec = message<Confirm>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.instance != null && obj.instance.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.instance)
        }

        if ((obj.epoch != null && obj.epoch !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.epoch)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          instance: uint8ArrayAlloc(0),
          epoch: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.instance = reader.bytes()
              break
            }
            case 2: {
              obj.epoch = reader.uint64Number()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.instance`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.epoch`,
                value: reader.uint64Number()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ConfirmInstanceFieldEvent {
    field: '$.instance'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ConfirmEpochFieldEvent {
    field: '$.epoch'
    value: number
  }

  export function encode (obj: Partial<Confirm>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Confirm.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Confirm>): Confirm {
    return decodeMessage(buf, Confirm.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Confirm>): Generator<ConfirmInstanceFieldEvent | ConfirmEpochFieldEvent> {
    return streamMessage(buf, Confirm.codec(), opts)
  }
}
