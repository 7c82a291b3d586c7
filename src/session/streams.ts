import type { BlockedFrame, CountedFrame, ResetFrame, StopSendingFrame, StreamFrame } from '../wire/index.ts'
import type { SessionConfig } from './config.ts'
import { ControlQueue, streamControlFrame } from './control-queue.ts'
import type { SessionEffect } from './effects.ts'
import { ReceiveHalves } from './receive-halves.ts'
import type { SentPiece } from './send-half.ts'
import { SendHalves } from './send-halves.ts'
import type { ControlItem } from './sent-item.ts'
import { isFinished, type StreamState } from './stream-state.ts'
import { StreamTable } from './stream-table.ts'

/** All streams of a session, by id: what commands and frames do to them. Knows nothing of paths. */
export class Streams {
  readonly #emit: (effect: SessionEffect) => void
  readonly #table: StreamTable
  readonly #control = new ControlQueue()
  readonly #sends: SendHalves
  readonly #receives: ReceiveHalves
  #peerStreamWindow = 0

  constructor(side: 0 | 1, config: SessionConfig, emit: (effect: SessionEffect) => void) {
    this.#emit = emit
    this.#table = new StreamTable(side, config)
    this.#sends = new SendHalves(config, (stream) => emit({ type: 'streamWritable', stream }))
    this.#receives = new ReceiveHalves(config, this.#control, emit)
  }

  get size(): number {
    return this.#table.size
  }

  get ownCount(): number {
    return this.#table.ownCount
  }

  get peerCount(): number {
    return this.#table.peerCount
  }

  get sendBufferedBytes(): number {
    return this.#sends.bufferedBytes
  }

  get receiveBufferedBytes(): number {
    return this.#receives.bufferedBytes
  }

  // Commands of the application

  open(): number {
    const stream = this.#table.openOwn(this.#peerStreamWindow)
    this.#sends.refresh(stream)
    return stream.id
  }

  write(id: number, data: Uint8Array): { accepted: number; more: boolean } {
    const stream = this.#table.get(id)
    return stream == null ? { accepted: data.byteLength, more: true } : this.#sends.write(stream, data)
  }

  finish(id: number): void {
    const stream = this.#table.get(id)
    if (stream != null) this.#sends.finish(stream)
  }

  reset(id: number, code: number): void {
    const stream = this.#table.get(id)
    if (stream?.send.canSend !== true) return
    this.#sends.reset(stream)
    this.#control.owe({ type: 'reset', stream: id, code })
  }

  stop(id: number, code: number): void {
    const stream = this.#table.get(id)
    if (stream == null) return
    this.#receives.stop(stream, code)
    this.#forgetIfFinished(stream)
  }

  consume(id: number, bytes: number): void {
    const stream = this.#table.get(id)
    if (stream == null) return
    this.#receives.consume(stream, bytes)
    this.#forgetIfFinished(stream)
  }

  // Frames from the peer. `open`: whether new streams are announced or turned away.

  onStream(frame: StreamFrame, open: boolean): void {
    const stream = this.#find(frame.stream, open)
    if (stream == null) return
    this.#receives.onStream(stream, frame)
    this.#forgetIfFinished(stream)
  }

  onReset(frame: ResetFrame, open: boolean): void {
    const stream = this.#find(frame.stream, open)
    if (stream == null) return
    this.#receives.onReset(stream, frame)
    this.#forgetIfFinished(stream)
  }

  onStopSending({ stream: id, code }: StopSendingFrame, open: boolean): void {
    if (this.#find(id, open)?.send.canSend !== true) return
    this.reset(id, code)
    this.#emit({ type: 'streamStopped', stream: id, code })
  }

  onMaxData(max: number): void {
    this.#sends.raiseSessionCredit(max)
  }

  onMaxStreamData(id: number, max: number, open: boolean): void {
    const stream = this.#find(id, open)
    if (stream != null) this.#sends.raiseCredit(stream, max)
  }

  /** Windows from a HELLO. */
  onPeerWindows(streamWindow: number, sessionWindow: number): void {
    this.#peerStreamWindow = Math.max(this.#peerStreamWindow, streamWindow)
    this.#sends.raiseSessionCredit(sessionWindow)
    for (const stream of this.#table.values()) this.#sends.raiseCredit(stream, this.#peerStreamWindow)
  }

  /** Credit given for a stream, or (undefined) for the session; undefined when there is no such stream any more. */
  granted(stream: number | undefined): number | undefined {
    return stream == null ? this.#receives.granted : this.#table.get(stream)?.receive.granted
  }

  // What paths acknowledged or lost

  onAcked(id: number, piece: SentPiece): void {
    const stream = this.#table.get(id)
    if (stream == null) return
    this.#sends.onAcked(stream, piece)
    this.#forgetIfFinished(stream)
  }

  onResetAcked(id: number): void {
    const stream = this.#table.get(id)
    if (stream == null) return
    stream.send.onResetAcked()
    this.#forgetIfFinished(stream)
  }

  onLost(id: number, piece: SentPiece): void {
    const stream = this.#table.get(id)
    if (stream != null) this.#sends.onLost(stream, piece)
  }

  onControlLost(item: ControlItem): void {
    this.#control.owe(item)
  }

  // What to send

  nextControl(): { frame: CountedFrame; item: ControlItem } | undefined {
    for (let item = this.#control.take(); item != null; item = this.#control.take()) {
      const frame = this.#controlFrame(item)
      if (frame != null) return { frame, item }
    }
    return undefined
  }

  nextPiece(maxBytes: number): { stream: number; piece: SentPiece & { data: Uint8Array } } | undefined {
    return this.#sends.nextPiece(maxBytes)
  }

  get isBlocked(): boolean {
    return this.#sends.isBlocked
  }

  blockedFrames(): BlockedFrame[] {
    return this.#sends.blockedFrames()
  }

  // Closing

  /** Every stream is finished or reset, and all of it has been sent. */
  get isFlushed(): boolean {
    if (!this.#control.isEmpty) return false
    for (const { send } of this.#table.values()) if (!send.isFlushed) return false
    return true
  }

  /** Every byte, FIN and RESET of ours has been acknowledged. */
  get isAcked(): boolean {
    for (const { send } of this.#table.values()) if (!send.isDone) return false
    return true
  }

  /** Everything the peer sent before its orderly CLOSE has been delivered. */
  isPeerDone(streams: number, seen: number): boolean {
    if (streams > this.peerCount) return false
    for (const { id, receive } of this.#table.values()) {
      const isNamed = id >> 1 < (this.#table.isOwn(id) ? seen : streams)
      if (isNamed && receive.status === 'open') return false
    }
    return true
  }

  finishAll(): void {
    for (const stream of this.#table.values()) this.#sends.finish(stream)
  }

  /**
   * Our streams the peer closed without having seen: nobody will answer. They are reset rather than forgotten: bytes of
   * theirs may have used session credit, which only a final offset gives back, and the peer waits for all we opened.
   */
  abandonUnseen(seen: number): void {
    for (const stream of this.#table.values()) {
      if (!this.#table.isOwn(stream.id) || stream.id >> 1 < seen) continue
      this.#receives.abandon(stream)
      this.reset(stream.id, 0)
      this.#forgetIfFinished(stream)
    }
  }

  /** The peer ended the session: whoever still reads is told. */
  failReaders(code: number): void {
    for (const stream of this.#table.values()) this.#receives.fail(stream, code)
  }

  clear(): void {
    this.#table.clear()
    this.#sends.clear()
    this.#receives.clear()
    this.#control.clear()
  }

  /** The stream a frame is about; undefined when it has finished. */
  #find(id: number, open: boolean): StreamState | undefined {
    const known = this.#table.get(id)
    if (known != null) return known
    const turnedAway = !open || this.#table.isFullOfUnread
    for (const opened of this.#table.openUpTo(id, open, this.#peerStreamWindow)) {
      if (!turnedAway) {
        this.#emit({ type: 'streamOpen', stream: opened.id })
      } else {
        this.stop(opened.id, 0)
        this.reset(opened.id, 0)
      }
    }
    return this.#table.get(id)
  }

  #controlFrame(item: ControlItem): CountedFrame | undefined {
    if (item.type === 'maxData') return { type: 'maxData', max: this.#receives.granted }
    const stream = this.#table.get(item.stream)
    if (stream == null) return undefined
    const frame = streamControlFrame(item, stream)
    if (frame?.type === 'reset') stream.send.onResetSent()
    return frame
  }

  #forgetIfFinished(stream: StreamState): void {
    if (isFinished(stream) && this.#table.delete(stream)) this.#sends.forget(stream)
  }
}
