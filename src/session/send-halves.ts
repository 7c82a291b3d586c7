import type { BlockedFrame } from '../wire/index.ts'
import type { SessionConfig } from './config.ts'
import { Scheduler } from './scheduler.ts'
import type { SentPiece } from './send-half.ts'
import { SendRoom } from './send-room.ts'
import type { StreamState } from './stream-state.ts'

/** BLOCKED frames per repeat, so that a thousand blocked streams don't flood a path. */
const MAX_BLOCKED_FRAMES = 16

/** What the sending directions of all streams share: turns, the peer's session credit, and the replay buffer. */
export class SendHalves {
  readonly #scheduler = new Scheduler()
  readonly #room: SendRoom
  #sessionMax = 0
  #sessionSent = 0

  constructor(config: SessionConfig, onWritable: (stream: number) => void) {
    this.#room = new SendRoom(config, onWritable)
  }

  get bufferedBytes(): number {
    return this.#room.usedBytes
  }

  /** Something the stream could send may have changed. */
  refresh(stream: StreamState): void {
    this.#scheduler.refresh(stream, this.#sessionCredit)
  }

  write(stream: StreamState, data: Uint8Array): { accepted: number; more: boolean } {
    const { send } = stream
    if (send.status !== 'open') return { accepted: data.byteLength, more: true }
    const taken = this.#room.take(stream, data.byteLength)
    if (taken.accepted > 0) {
      send.push(taken.accepted === data.byteLength ? data : data.subarray(0, taken.accepted))
      this.refresh(stream)
    }
    return taken
  }

  finish(stream: StreamState): void {
    stream.send.finish()
    this.refresh(stream)
  }

  reset(stream: StreamState): void {
    this.#change(stream, () => stream.send.reset())
  }

  raiseCredit(stream: StreamState, max: number): void {
    if (stream.send.raiseCredit(max)) this.refresh(stream)
  }

  raiseSessionCredit(max: number): void {
    if (max <= this.#sessionMax) return
    this.#sessionMax = max
    for (const stream of [...this.#scheduler.waiting]) this.refresh(stream)
  }

  onAcked(stream: StreamState, piece: SentPiece): void {
    this.#change(stream, () => stream.send.onAcked(piece))
  }

  onLost(stream: StreamState, piece: SentPiece): void {
    stream.send.onLost(piece)
    this.refresh(stream)
  }

  nextPiece(maxBytes: number): { stream: number; piece: SentPiece & { data: Uint8Array } } | undefined {
    for (;;) {
      const stream = this.#scheduler.next()
      if (stream == null) return undefined
      const piece = stream.send.nextPiece(maxBytes, this.#sessionCredit)
      if (piece != null) this.#sessionSent += piece.newBytes
      this.refresh(stream)
      if (piece != null) return { stream: stream.id, piece }
    }
  }

  /** Bytes wait for credit. */
  get isBlocked(): boolean {
    return this.#scheduler.waiting.size > 0
  }

  blockedFrames(): BlockedFrame[] {
    const frames: BlockedFrame[] = []
    if (this.#sessionCredit === 0) frames.push({ type: 'blocked', limit: this.#sessionMax })
    for (const { id, send } of this.#scheduler.waiting) {
      if (frames.length >= MAX_BLOCKED_FRAMES) break
      if (send.isBlocked) frames.push({ type: 'blocked', stream: id, limit: send.credit })
    }
    return frames
  }

  forget(stream: StreamState): void {
    this.#scheduler.remove(stream)
    this.#room.forget(stream)
  }

  clear(): void {
    this.#scheduler.clear()
    this.#room.clear()
  }

  get #sessionCredit(): number {
    return Math.max(0, this.#sessionMax - this.#sessionSent)
  }

  /** A change that may free kept bytes. */
  #change(stream: StreamState, change: () => void): void {
    const { bufferedBytes } = stream.send
    change()
    this.refresh(stream)
    this.#room.release(bufferedBytes - stream.send.bufferedBytes)
  }
}
