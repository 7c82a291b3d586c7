import { SESSION_PROTOCOL } from './constants.ts'

/** The bytes on a session stream are not frames of this protocol. The path is aborted; other paths and peers go on. */
export class MalformedFrameError extends Error {
  static override name = 'MalformedFrameError'
  override name = 'MalformedFrameError'
}

/** A frame announces more bytes than `MAX_FRAME_BYTES`; nothing of it is buffered. */
export class OversizedFrameError extends Error {
  static override name = 'OversizedFrameError'
  override name = 'OversizedFrameError'

  constructor(
    readonly frameBytes: number,
    readonly maxFrameBytes: number
  ) {
    super(
      `Peer announced a frame of ${frameBytes} bytes, the limit is ${maxFrameBytes}: it speaks another protocol or version`
    )
  }
}

/** A frame type this version does not know. */
export class UnknownFrameError extends Error {
  static override name = 'UnknownFrameError'
  override name = 'UnknownFrameError'

  constructor(readonly frameType: number) {
    super(`Peer sent frame type ${frameType}, which ${SESSION_PROTOCOL} does not define`)
  }
}
