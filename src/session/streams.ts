import type { BlockedFrame, CountedFrame, ResetFrame, StopSendingFrame, StreamFrame } from '../wire/index.ts'
import { FREE_STREAM_BYTES, type SessionConfig } from './config.ts'
import type { SessionEffect } from './effects.ts'
import { FlowControlError, ProtocolViolationError, TooManyStreamsError } from './errors.ts'
import type { SentItem } from './path-state.ts'
import { Scheduler } from './scheduler.ts'
import { counted, type SentPiece } from './send-half.ts'
import { createStream, isFinished, type StreamState } from './stream-state.ts'

/**
 * Streams of the peer kept in all, those included that wait for nothing but the acknowledgement of our FIN or RESET. They
 * don't count against the limit of open ones, because the peer may have finished them; this bounds a peer that never
 * acknowledges.
 */
const MAX_KEPT_STREAMS = 16_384

/** Credit is renewed when this part of the window has been consumed: rare frames, and never a stall. */
const CREDIT_FRACTION = 4

/** BLOCKED frames per repeat, so that a thousand blocked streams don't flood a path. */
const MAX_BLOCKED_FRAMES = 16

type ControlItem = Exclude<SentItem, { type: 'stream' } | { type: 'close' }>

/** All streams of a session with their credit; knows nothing of paths. */
export class Streams {
  readonly #side: 0 | 1
  readonly #config: SessionConfig
  readonly #emit: (effect: SessionEffect) => void
  readonly #streams = new Map<number, StreamState>()
  readonly #scheduler = new Scheduler()
  /** Control frames owed, first in first out; state is read when they leave. */
  readonly #control = new Map<string, ControlItem>()

  /** Streams opened so far, by us and by the peer. */
  ownCount = 0
  peerCount = 0
  #ownLive = 0

  sendBufferedBytes = 0
  receiveBufferedBytes = 0
  /** Streams whose `write` was refused. */
  readonly #starved = new Set<StreamState>()

  #peerStreamWindow = 0
  #peerMaxData = 0
  #dataSent = 0

  dataGranted: number
  #dataReceived = 0
  #dataConsumed = 0

  constructor(side: 0 | 1, config: SessionConfig, emit: (effect: SessionEffect) => void) {
    this.#side = side
    this.#config = config
    this.#emit = emit
    this.dataGranted = config.sessionWindow
  }

  get size(): number {
    return this.#streams.size
  }

  get blockedCount(): number {
    return this.#scheduler.waiting.size
  }

  /** Every stream is finished or reset, and all of it has been sent. */
  get isFlushed(): boolean {
    if (this.#control.size > 0) return false
    for (const { send } of this.#streams.values()) if (!send.isFlushed) return false
    return true
  }

  /** Every byte, FIN and RESET of ours has been acknowledged. */
  get isAcked(): boolean {
    for (const { send } of this.#streams.values()) if (!send.isDone) return false
    return true
  }

  onPeerWindows(streamWindow: number, sessionWindow: number): void {
    this.#peerStreamWindow = Math.max(this.#peerStreamWindow, streamWindow)
    this.onMaxData(sessionWindow)
    for (const stream of this.#streams.values()) this.#raiseCredit(stream, this.#peerStreamWindow)
  }

  // Commands of the application

  open(): number {
    if (this.#ownLive >= this.#config.maxStreams) throw new TooManyStreamsError(this.#config.maxStreams)
    const id = this.ownCount * 2 + this.#side
    this.ownCount++
    this.#ownLive++
    this.#refresh(this.#create(id, true))
    return id
  }

  write(id: number, data: Uint8Array): { accepted: number; more: boolean } {
    const stream = this.#streams.get(id)
    if (stream == null || stream.send.status !== 'open') return { accepted: data.byteLength, more: true }
    const { send } = stream
    const { maxSendBuffer, maxStreamSendBuffer } = this.#config
    // A free prefix always fits: streams whose readers are paused must not silence the others.
    const sessionRoom = Math.max(maxSendBuffer - this.sendBufferedBytes, FREE_STREAM_BYTES - send.bufferedBytes)
    const room = Math.min(maxStreamSendBuffer - send.bufferedBytes, sessionRoom)
    const accepted = Math.min(data.byteLength, Math.max(room, 0))
    if (accepted > 0) {
      send.push(accepted === data.byteLength ? data : data.subarray(0, accepted))
      this.sendBufferedBytes += accepted
      this.#refresh(stream)
    }
    const more = accepted === data.byteLength && accepted < room
    if (!more) this.#starved.add(stream)
    return { accepted, more }
  }

  finish(id: number): void {
    const stream = this.#streams.get(id)
    if (stream == null) return
    stream.send.finish()
    this.#refresh(stream)
  }

  finishAll(): void {
    for (const id of [...this.#streams.keys()]) this.finish(id)
  }

  reset(id: number, code: number): void {
    const stream = this.#streams.get(id)
    if (stream == null || (stream.send.status !== 'open' && stream.send.status !== 'finishing')) return
    this.#changeSend(stream, () => stream.send.reset(code))
    this.#owe({ type: 'reset', stream: id })
  }

  stop(id: number, code: number): void {
    const stream = this.#streams.get(id)
    if (stream == null) return
    this.#changeReceive(stream, () => stream.receive.stop(code))
    if (stream.receive.stopPending) this.#owe({ type: 'stopSending', stream: id })
    this.#forgetIfFinished(stream)
  }

  consume(id: number, bytes: number): void {
    const stream = this.#streams.get(id)
    if (stream == null || stream.receive.status === 'stopped' || stream.receive.status === 'reset') return
    const { receive } = stream
    this.#changeReceive(stream, () => {
      receive.consumed = Math.min(receive.consumed + bytes, receive.delivered)
    })
    const max = receive.consumed + this.#config.streamWindow
    if (receive.finalOffset == null && max - receive.granted >= this.#config.streamWindow / CREDIT_FRACTION) {
      receive.granted = max
      this.#owe({ type: 'maxStreamData', stream: id })
    }
    this.#forgetIfFinished(stream)
  }

  // Frames from the peer. `open`: whether new streams are announced or turned away.

  onStream({ stream: id, offset, data, fin }: StreamFrame, open: boolean): void {
    const stream = this.#find(id, open)
    if (stream == null) return
    const { receive } = stream
    const status = receive.status
    this.#checkSessionCredit(receive.highest, offset + data.byteLength)
    let chunks: Uint8Array[] = []
    this.#changeReceive(stream, () => {
      chunks = receive.receive(offset, data, fin)
    })
    for (const chunk of chunks) this.#emit({ type: 'streamData', stream: id, data: chunk })
    if (status === 'open' && receive.status === 'ended') this.#emit({ type: 'streamEnd', stream: id })
    this.#forgetIfFinished(stream)
  }

  onReset({ stream: id, code, finalOffset }: ResetFrame, open: boolean): void {
    const stream = this.#find(id, open)
    if (stream == null) return
    const { receive } = stream
    const status = receive.status
    this.#checkSessionCredit(receive.highest, finalOffset)
    this.#changeReceive(stream, () => receive.reset(finalOffset))
    if (status === 'open' && receive.status === 'reset') this.#emit({ type: 'streamReset', stream: id, code })
    this.#forgetIfFinished(stream)
  }

  onStopSending({ stream: id, code }: StopSendingFrame, open: boolean): void {
    const stream = this.#find(id, open)
    if (stream == null) return
    const { status } = stream.send
    if (status !== 'open' && status !== 'finishing') return
    this.reset(id, code)
    this.#emit({ type: 'streamStopped', stream: id, code })
  }

  onMaxData(max: number): void {
    if (max <= this.#peerMaxData) return
    this.#peerMaxData = max
    for (const stream of [...this.#scheduler.waiting]) this.#refresh(stream)
  }

  onMaxStreamData(id: number, max: number, open: boolean): void {
    const stream = this.#find(id, open)
    if (stream != null) this.#raiseCredit(stream, max)
  }

  granted(id: number): number | undefined {
    return this.#streams.get(id)?.receive.granted
  }

  // What paths acknowledged or lost

  onAcked(id: number, piece: SentPiece): void {
    const stream = this.#streams.get(id)
    if (stream == null) return
    this.#changeSend(stream, () => stream.send.onAcked(piece))
    this.#forgetIfFinished(stream)
  }

  onResetAcked(id: number): void {
    const stream = this.#streams.get(id)
    if (stream == null) return
    stream.send.onResetAcked()
    this.#forgetIfFinished(stream)
  }

  onLost(id: number, piece: SentPiece): void {
    const stream = this.#streams.get(id)
    if (stream == null) return
    stream.send.onLost(piece)
    this.#refresh(stream)
  }

  onControlLost(item: ControlItem): void {
    this.#owe(item)
  }

  // What to send

  nextControl(): { frame: CountedFrame; item: ControlItem } | undefined {
    for (const [key, item] of this.#control) {
      this.#control.delete(key)
      const frame = this.#controlFrame(item)
      if (frame != null) return { frame, item }
    }
    return undefined
  }

  nextPiece(maxBytes: number): { stream: StreamState; piece: SentPiece & { data: Uint8Array } } | undefined {
    for (;;) {
      const stream = this.#scheduler.next()
      if (stream == null) return undefined
      const piece = stream.send.nextPiece(maxBytes, this.#sessionCredit)
      if (piece != null) this.#dataSent += piece.newBytes
      this.#refresh(stream)
      if (piece != null) return { stream, piece }
    }
  }

  blockedFrames(): BlockedFrame[] {
    const frames: BlockedFrame[] = []
    if (this.#sessionCredit === 0) frames.push({ type: 'blocked', limit: this.#peerMaxData })
    for (const { id, send } of this.#scheduler.waiting) {
      if (frames.length >= MAX_BLOCKED_FRAMES) break
      if (send.isBlocked) frames.push({ type: 'blocked', stream: id, limit: send.credit })
    }
    return frames
  }

  // Closing

  /** Everything the peer sent before its orderly CLOSE has been delivered. */
  isPeerDone(streams: number, seen: number): boolean {
    if (streams > this.peerCount) return false
    for (const { id, receive } of this.#streams.values()) {
      const index = id >> 1
      if (index >= (this.#isOwn(id) ? seen : streams)) continue
      if (receive.status === 'open') return false
    }
    return true
  }

  /**
   * Our streams the peer closed without having seen: nobody will answer. They are reset rather than forgotten: bytes of
   * theirs may have used session credit, which only a final offset gives back, and the peer waits for all we opened.
   */
  abandonUnseen(seen: number): void {
    for (const stream of [...this.#streams.values()]) {
      if (!this.#isOwn(stream.id) || stream.id >> 1 < seen) continue
      if (stream.receive.status === 'open') this.#emit({ type: 'streamReset', stream: stream.id, code: 0 })
      this.#changeReceive(stream, () => stream.receive.abandon())
      this.reset(stream.id, 0)
      this.#forgetIfFinished(stream)
    }
  }

  abandonAll(code: number): void {
    for (const stream of [...this.#streams.values()]) this.#abandon(stream, code)
  }

  clear(): void {
    for (const stream of this.#streams.values()) this.#scheduler.remove(stream)
    this.#streams.clear()
    this.#control.clear()
    this.#starved.clear()
    this.#ownLive = 0
    this.sendBufferedBytes = 0
    this.receiveBufferedBytes = 0
  }

  #abandon(stream: StreamState, code: number): void {
    if (stream.receive.status === 'open') this.#emit({ type: 'streamReset', stream: stream.id, code })
    this.#changeReceive(stream, () => stream.receive.abandon())
    this.#changeSend(stream, () => stream.send.reset(code))
    stream.send.resetPending = false
    stream.send.onResetAcked()
    this.#forget(stream)
  }

  get #sessionCredit(): number {
    return Math.max(0, this.#peerMaxData - this.#dataSent)
  }

  #isOwn(id: number): boolean {
    return (id & 1) === this.#side
  }

  #create(id: number, opensStream: boolean): StreamState {
    const stream = createStream(id, opensStream, this.#peerStreamWindow, this.#config.streamWindow)
    this.#streams.set(id, stream)
    return stream
  }

  /** The stream a frame is about; undefined when it is finished, or turned away. Opens all lower ids of the peer's side. */
  #find(id: number, open: boolean): StreamState | undefined {
    const index = Math.floor(id / 2)
    if (this.#isOwn(id)) {
      if (index >= this.ownCount)
        throw new ProtocolViolationError(`Peer sent a frame for stream ${id}, which was never opened`)
      return this.#streams.get(id)
    }
    if (index >= this.peerCount) {
      this.#checkStreamLimit(index, open)
      while (this.peerCount <= index) {
        const opened = this.#create(this.peerCount * 2 + (1 - this.#side), false)
        this.peerCount++
        if (open) {
          this.#emit({ type: 'streamOpen', stream: opened.id })
        } else {
          this.stop(opened.id, 0)
          this.reset(opened.id, 0)
        }
      }
    }
    return this.#streams.get(id)
  }

  /**
   * Counts the streams the peer can't have finished yet: its own end is missing, or ours has never been sent. Those turned
   * away don't count: a peer that knows we close drops them without waiting for us.
   */
  #checkStreamLimit(index: number, open: boolean): void {
    const { maxStreams } = this.#config
    const opens = index + 1 - this.peerCount
    if (opens + this.#streams.size <= maxStreams) return
    let kept = 0
    let unfinished = 0
    for (const { id, send, receive } of this.#streams.values()) {
      if (this.#isOwn(id)) continue
      kept++
      if (!receive.isSettled || !send.endSent) unfinished++
    }
    if ((open && opens + unfinished > maxStreams) || opens + kept > MAX_KEPT_STREAMS) {
      throw new ProtocolViolationError(`Peer opened more than ${maxStreams} streams at once`)
    }
  }

  #checkSessionCredit(before: number, after: number): void {
    const received = this.#dataReceived + Math.max(0, counted(after) - counted(before))
    if (received > this.dataGranted) {
      throw new FlowControlError(`Peer sent ${received} bytes over all streams, its credit is ${this.dataGranted}`)
    }
  }

  /** Keeps the session's sums right across a change of one receiving half, and gives credit back. */
  #changeReceive({ receive }: StreamState, change: () => void): void {
    const { highest, consumed, bufferedBytes } = receive
    change()
    this.receiveBufferedBytes += receive.bufferedBytes - bufferedBytes
    this.#dataReceived += counted(receive.highest) - counted(highest)
    this.#dataConsumed += counted(receive.consumed) - counted(consumed)
    const max = this.#dataConsumed + this.#config.sessionWindow
    if (max - this.dataGranted >= this.#config.sessionWindow / CREDIT_FRACTION) {
      this.dataGranted = max
      this.#owe({ type: 'maxData' })
    }
  }

  #changeSend(stream: StreamState, change: () => void): void {
    const { bufferedBytes } = stream.send
    change()
    this.sendBufferedBytes += stream.send.bufferedBytes - bufferedBytes
    this.#refresh(stream)
    this.#feedStarved()
  }

  /** A free prefix is refilled though others fill the session's buffer: `write` takes that much in any case. */
  #feedStarved(): void {
    if (this.#starved.size === 0) return
    const { maxSendBuffer, maxStreamSendBuffer } = this.#config
    const hasSessionRoom = this.sendBufferedBytes <= maxSendBuffer - maxStreamSendBuffer / 2
    const limit = hasSessionRoom ? maxStreamSendBuffer / 2 : Math.min(FREE_STREAM_BYTES, maxStreamSendBuffer) / 2
    for (const stream of this.#starved) {
      if (stream.send.bufferedBytes > limit) continue
      this.#starved.delete(stream)
      if (stream.send.status === 'open') this.#emit({ type: 'streamWritable', stream: stream.id })
    }
  }

  #raiseCredit(stream: StreamState, max: number): void {
    if (max <= stream.send.credit) return
    stream.send.credit = max
    this.#refresh(stream)
  }

  #refresh(stream: StreamState): void {
    this.#scheduler.refresh(stream, this.#sessionCredit)
  }

  #owe(item: ControlItem): void {
    this.#control.set('stream' in item ? `${item.type} ${item.stream}` : item.type, item)
  }

  /** From current state: what was owed may have become pointless meanwhile. */
  #controlFrame(item: ControlItem): CountedFrame | undefined {
    if (item.type === 'maxData') return { type: 'maxData', max: this.dataGranted }
    const stream = this.#streams.get(item.stream)
    if (stream == null) return undefined
    const { send, receive } = stream
    switch (item.type) {
      case 'reset':
        if (send.status !== 'resetting') return undefined
        send.resetPending = false
        send.endSent = true
        return { type: 'reset', stream: item.stream, code: send.resetCode, finalOffset: send.sentOffset }
      case 'stopSending':
        if (receive.status !== 'stopped' || receive.finalOffset != null) return undefined
        receive.stopPending = false
        return { type: 'stopSending', stream: item.stream, code: receive.stopCode }
      case 'maxStreamData':
        if (receive.status !== 'open' || receive.finalOffset != null) return undefined
        return { type: 'maxStreamData', stream: item.stream, max: receive.granted }
    }
  }

  #forgetIfFinished(stream: StreamState): void {
    if (isFinished(stream)) this.#forget(stream)
  }

  #forget(stream: StreamState): void {
    if (!this.#streams.delete(stream.id)) return
    if (this.#isOwn(stream.id)) this.#ownLive--
    this.#scheduler.remove(stream)
    this.#starved.delete(stream)
  }
}
