import type { Frame } from '../wire/index.ts'
import type { ByteBudgetInit } from './byte-budget.ts'
import type { SessionEffect } from './effects.ts'

export interface PathInit {
  /** Windows from the peer's HELLO, in bytes. */
  readonly peerStreamWindow: number
  readonly peerSessionWindow: number
  /** A relayed path with a byte or time limit: smaller in-flight floor, ACKs about it travel on it. */
  readonly limited: boolean
  /** Of a path whose bytes a relay counts. */
  readonly budget?: ByteBudgetInit
}

export interface PathStats {
  readonly path: number
  readonly status: 'healthy' | 'suspect'
  /** Undefined before the first sample. */
  readonly srttMs: number | undefined
  readonly minRttMs: number | undefined
  readonly rtoMs: number
  readonly inFlightBytes: number
  readonly inFlightLimit: number
  /** When our oldest counted frame still unacknowledged there was sent. */
  readonly oldestUnackedAt: number | undefined
  /** When a frame of any type was last received there; the attach time before that. */
  readonly lastHeardAt: number
  /** When we last sent anything there that asks for an answer (counted frame or PING) after `lastHeardAt`; the oldest such. */
  readonly unansweredSince: number | undefined
  /** When a counted frame was last sent or received there; the attach time before that. */
  readonly activeAt: number
  /** A limited path that carries little more. */
  readonly low: boolean
}

/**
 * The sans-I/O core of one session, as quinn shapes it: `receive`, `tick` and the commands take the time as an argument
 * (milliseconds, monotonic), change state, and leave effects to be taken. Nothing here holds a clock, a timer or libp2p.
 */
export interface SessionCore {
  /** Stream ids of side 0 are even, of side 1 odd; side 0 has the smaller PeerId. */
  readonly side: 0 | 1

  attachPath(path: number, init: PathInit, now: number): void
  /** The carrier is gone: everything unacknowledged there is queued again. Unknown paths are ignored. */
  detachPath(path: number, now: number): void
  /** A decoded frame (HELLO and CONFIRM excepted). Payloads may alias the chunk they came in. */
  receive(path: number, frame: Frame, now: number): void
  /** End of the receiving task: pending ACKs and PONGs leave, and streams are scheduled. Call after a batch of `receive`. */
  flush(now: number): void
  /** Carrier back-pressure. Paths start writable. */
  setWritable(path: number, writable: boolean, now: number): void
  /** What libp2p counts as left of a limited path. `isWritten`: all effects taken so far were written, and are counted. */
  setBudget(path: number, remainingBytes: number, isWritten: boolean, now: number): void
  /** Asks the peer, who opened this path, to replace it. */
  askRenewal(path: number, now: number): void
  /** Best first. Sending uses the first healthy path named, and never stripes; unnamed paths come after, in order of attachment. */
  prefer(order: readonly number[], now: number): void
  /** Sends PING; the answer is a `pong` effect. Returns the nonce. */
  ping(path: number, now: number): number
  /**
   * With a delay of 0 the path is given up: that is said over another one. Else `pathDrained` follows when both sides have
   * everything that was sent there.
   */
  sendGoaway(path: number, reason: number, delayMs: number, now: number): void

  /** @throws {TooManyStreamsError} @throws {SessionClosedError} */
  openStream(now: number): number
  /** `data` is kept, not copied. `accepted` may be less than its length; `more` false means wait for `streamWritable`. */
  write(stream: number, data: Uint8Array, now: number): { accepted: number; more: boolean }
  /** No more `write`s; FIN follows the data. */
  finish(stream: number, now: number): void
  /** Give up our sending direction; unsent and unacknowledged bytes are dropped. */
  reset(stream: number, code: number, now: number): void
  /** Give up reading; undelivered bytes are dropped. */
  stopSending(stream: number, code: number, now: number): void
  /** The application took this many delivered bytes: credit follows. */
  consume(stream: number, bytes: number, now: number): void

  /** Orderly: no new streams; CLOSE follows when every stream of ours is finished or reset. Still receives. */
  close(now: number): void
  /** At once: streams are dropped, CLOSE with a code leaves on every path, then `closed`. */
  abort(code: number, now: number): void

  tick(now: number): void
  /** The earliest time `tick` has something to do. */
  nextWakeAt(): number | undefined
  takeEffects(): SessionEffect[]

  readonly status: 'open' | 'closing' | 'closed'
  /** Bytes kept for sending: unsent and unacknowledged. */
  readonly sendBufferedBytes: number
  /** Bytes received out of order, waiting for a gap to fill. */
  readonly receiveBufferedBytes: number
  /** Streams not yet finished in both directions. */
  readonly streamCount: number
  paths(): PathStats[]
}
