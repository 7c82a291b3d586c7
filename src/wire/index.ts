/** Frames <-> bytes: pure, bounded, incremental. No libp2p, no clock. */
export { INSTANCE_ID_BYTES, MAX_FRAME_BYTES, MAX_STREAM_PAYLOAD, SESSION_PROTOCOL } from './constants.ts'
export { FrameDecoder } from './decoder.ts'
export { encodeFrame } from './encode.ts'
export { MalformedFrameError, OversizedFrameError, UnknownFrameError } from './errors.ts'
export * from './frames.ts'
