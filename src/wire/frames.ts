/** Frame type numbers as they stand on the wire. Never reused. */
export const FrameType = {
  HELLO: 0,
  CONFIRM: 1,
  STREAM: 2,
  RESET: 3,
  STOP_SENDING: 4,
  MAX_DATA: 5,
  MAX_STREAM_DATA: 6,
  BLOCKED: 7,
  ACK: 8,
  PING: 9,
  PONG: 10,
  STATUS: 11,
  GOAWAY: 12,
  CLOSE: 13
} as const

/** Opens a path, from both sides. */
export interface HelloFrame {
  readonly type: 'hello'
  /** Random per process. */
  readonly instance: Uint8Array
  /** Chosen by the path's initiator, echoed by the responder. */
  readonly path: number
  /** Responder only. */
  readonly epoch: number
  /** Receive window per stream, bytes. */
  readonly streamWindow: number
  /** Receive window over all streams, bytes. */
  readonly sessionWindow: number
}

export interface ConfirmFrame {
  readonly type: 'confirm'
  readonly instance: Uint8Array
  readonly epoch: number
}

/** Counted. `fin`: the stream ends after these bytes. */
export interface StreamFrame {
  readonly type: 'stream'
  readonly stream: number
  readonly offset: number
  readonly fin: boolean
  readonly data: Uint8Array
}

/** Counted. The sender gave up this direction; `finalOffset` settles session credit. */
export interface ResetFrame {
  readonly type: 'reset'
  readonly stream: number
  readonly code: number
  readonly finalOffset: number
}

/** Counted. The reader gave up this direction; answered by RESET. */
export interface StopSendingFrame {
  readonly type: 'stopSending'
  readonly stream: number
  readonly code: number
}

/** Counted. Session credit: the highest sum of stream offsets (beyond each stream's free prefix) the sender accepts. */
export interface MaxDataFrame {
  readonly type: 'maxData'
  readonly max: number
}

/** Counted. Stream credit: the highest offset the sender accepts. */
export interface MaxStreamDataFrame {
  readonly type: 'maxStreamData'
  readonly stream: number
  readonly max: number
}

/** Asks for credit. `stream` is undefined for session credit. */
export interface BlockedFrame {
  readonly type: 'blocked'
  readonly stream?: number
  readonly limit: number
}

/** About `path`, whichever path it travels on: counted frames received there so far, cumulative. */
export interface AckFrame {
  readonly type: 'ack'
  readonly path: number
  readonly sequence: number
  readonly delayMs: number
}

export interface PingFrame {
  readonly type: 'ping'
  readonly nonce: number
}

export interface PongFrame {
  readonly type: 'pong'
  readonly nonce: number
}

/** What this side thinks of the paths. Only the newest counts. */
export interface StatusFrame {
  readonly type: 'status'
  /** A path on which our frames are not acknowledged. */
  readonly suspects?: number
  /** The path we send on. */
  readonly prefers?: number
  /** Bytes both directions used of the budget of the path this travels on, as we count them. */
  readonly usedBytes?: number
  /** The dialler is asked to renew the path this travels on. */
  readonly renew: boolean
}

/** Orderly leave of a path. */
export interface GoawayFrame {
  readonly type: 'goaway'
  readonly path: number
  readonly reason: number
  /** The path stays readable this long. */
  readonly delayMs: number
}

/**
 * Counted. Per direction: the sender sends nothing new after it. `code` 0 is orderly: every stream it knows was finished
 * or reset before; any other code ends the session at once.
 */
export interface CloseFrame {
  readonly type: 'close'
  readonly code: number
  /** Streams the sender opened in this session. */
  readonly streams: number
  /** Streams of the receiver the sender has seen. */
  readonly seen: number
}

/** Frames that take a sequence number on their path, are kept until acknowledged and re-queued when the path dies. */
export type CountedFrame = StreamFrame | ResetFrame | StopSendingFrame | MaxDataFrame | MaxStreamDataFrame | CloseFrame

export type Frame =
  | HelloFrame
  | ConfirmFrame
  | CountedFrame
  | BlockedFrame
  | AckFrame
  | PingFrame
  | PongFrame
  | StatusFrame
  | GoawayFrame
