import type { AckFrame, CloseFrame, CountedFrame, Frame, GoawayFrame } from '../wire/index.ts'
import type { PathInit, PathStats, SessionCore } from './api.ts'
import { Closing } from './closing.ts'
import type { SessionConfig } from './config.ts'
import { earlier } from './earlier.ts'
import type { SessionEffect } from './effects.ts'
import { ProtocolViolationError, SessionClosedError } from './errors.ts'
import type { PathState, SentRecord } from './path-state.ts'
import { Paths } from './paths.ts'
import { Sender } from './sender.ts'
import type { SentItem } from './sent-item.ts'
import { Streams } from './streams.ts'

/** In the answer to GOAWAY: more than 0, as the path is not dead; whoever left it closes it. */
const DRAINED_DELAY_MS = 1

export interface SessionInit {
  readonly side: 0 | 1
  readonly config: SessionConfig
  readonly now: number
}

/** Leads commands and frames to streams, paths and the closing handshake, and between these. */
export class Session implements SessionCore {
  readonly side: 0 | 1
  readonly #effects: SessionEffect[] = []
  readonly #streams: Streams
  readonly #paths: Paths
  readonly #closing = new Closing()
  readonly #sender: Sender
  #now: number

  constructor({ side, config, now }: SessionInit) {
    this.side = side
    this.#now = now
    const emit = (effect: SessionEffect) => {
      this.#effects.push(effect)
    }
    this.#streams = new Streams(side, config, emit)
    this.#paths = new Paths(emit, (item) => this.#onLost(item))
    this.#sender = new Sender({ streams: this.#streams, paths: this.#paths, closing: this.#closing, emit })
  }

  get status(): 'open' | 'closing' | 'closed' {
    return this.#closing.status
  }

  get sendBufferedBytes(): number {
    return this.#streams.sendBufferedBytes
  }

  get receiveBufferedBytes(): number {
    return this.#streams.receiveBufferedBytes
  }

  get streamCount(): number {
    return this.#streams.size
  }

  // Paths

  paths(): PathStats[] {
    return this.#paths.stats()
  }

  attachPath(id: number, init: PathInit, now: number): void {
    this.#now = now
    if (this.status === 'closed' || this.#paths.get(id) != null) return
    this.#paths.add(id, init, now)
    this.#streams.onPeerWindows(init.peerStreamWindow, init.peerSessionWindow)
    this.#paths.requeueSuspects()
  }

  detachPath(id: number, now: number): void {
    this.#now = now
    this.#paths.remove(id)
  }

  setWritable(id: number, writable: boolean, now: number): void {
    this.#now = now
    const path = this.#paths.get(id)
    if (path == null) return
    path.writable = writable
    this.#sender.answer(path, now)
  }

  setBudget(id: number, remainingBytes: number, isWritten: boolean, now: number): void {
    this.#now = now
    this.#paths.get(id)?.budget?.onReading(remainingBytes, isWritten)
  }

  askRenewal(id: number, now: number): void {
    this.#now = now
    const path = this.#paths.get(id)
    if (path != null) this.#sender.askRenewal(path)
  }

  prefer(order: readonly number[], now: number): void {
    this.#now = now
    this.#paths.prefer(order)
  }

  ping(id: number, now: number): number {
    this.#now = now
    return this.#paths.ping(id, now)
  }

  sendGoaway(id: number, reason: number, delayMs: number, now: number): void {
    this.#now = now
    const path = this.#paths.get(id)
    if (path == null) return
    if (delayMs > 0) path.leaving = path.leaving === 'theirs' ? 'both' : 'ours'
    // A path that is given up carries no good-bye: it goes over another, where there is one.
    const via = delayMs > 0 ? path : this.#paths.sendingBut(path)
    if (via == null || via.failed) return
    this.#effects.push({ type: 'send', path: via.path, frame: { type: 'goaway', path: id, reason, delayMs } })
  }

  // Streams

  openStream(now: number): number {
    this.#now = now
    if (this.status !== 'open') throw new SessionClosedError()
    return this.#streams.open()
  }

  write(stream: number, data: Uint8Array, now: number): { accepted: number; more: boolean } {
    this.#now = now
    return this.#streams.write(stream, data)
  }

  finish(stream: number, now: number): void {
    this.#now = now
    this.#streams.finish(stream)
  }

  reset(stream: number, code: number, now: number): void {
    this.#now = now
    this.#streams.reset(stream, code)
  }

  stopSending(stream: number, code: number, now: number): void {
    this.#now = now
    this.#streams.stop(stream, code)
    this.#checkPeerClosed()
  }

  consume(stream: number, bytes: number, now: number): void {
    this.#now = now
    this.#streams.consume(stream, bytes)
  }

  // Time

  tick(now: number): void {
    this.#now = now
    this.#paths.tick(now)
    this.#sender.tick(now)
  }

  nextWakeAt(): number | undefined {
    return earlier(this.#paths.wakeAt, this.#sender.wakeAt)
  }

  takeEffects(): SessionEffect[] {
    if (this.status !== 'closed') {
      this.#sender.pump(this.#now)
      for (const path of this.#paths.values()) if (path.leaving !== 'no') this.#checkDrained(path)
    }
    return this.#effects.splice(0)
  }

  // Receiving

  receive(id: number, frame: Frame, now: number): void {
    this.#now = now
    const path = this.#paths.get(id)
    if (path == null || path.failed) return
    this.#paths.onHeard(path, now)
    try {
      this.#onFrame(path, frame)
    } catch (error) {
      path.failed = true
      this.#effects.push({ type: 'pathError', path: id, error: error as Error })
    }
  }

  flush(now: number): void {
    this.#now = now
    for (const path of this.#paths.values()) this.#sender.answer(path, now)
  }

  #onFrame(path: PathState, frame: Frame): void {
    switch (frame.type) {
      case 'stream':
      case 'reset':
      case 'stopSending':
      case 'maxData':
      case 'maxStreamData':
      case 'close':
        this.#onCounted(frame)
        path.onCounted(this.#now)
        this.#checkPeerClosed()
        return
      case 'ack':
        this.#onAck(path, frame)
        return
      case 'ping':
        path.acks.onPing(frame.nonce)
        return
      case 'pong':
        this.#paths.onPong(path, frame.nonce, this.#now)
        return
      case 'blocked': {
        const max = this.#streams.granted(frame.stream)
        if (max != null && max > frame.limit) path.creditAnswers.onAsked(frame.stream, max)
        return
      }
      case 'status': {
        if (frame.usedBytes != null) path.budget?.onPeerUsed(frame.usedBytes)
        if (frame.renew) this.#effects.push({ type: 'renewAsked', path: path.path })
        const suspect = frame.suspects == null ? undefined : this.#paths.get(frame.suspects)
        if (suspect != null && suspect !== path) this.#paths.suspect(suspect, 'peer', this.#now)
        return
      }
      case 'goaway':
        this.#onGoaway(frame)
        return
      case 'hello':
      case 'confirm':
        throw new ProtocolViolationError(`Peer sent ${frame.type} on a path that is already attached`)
    }
  }

  #onGoaway({ path: id, reason, delayMs }: GoawayFrame): void {
    const path = this.#paths.get(id)
    if (delayMs > 0 && path?.leaving === 'ours') {
      path.leaving = 'both'
      return
    }
    if (delayMs > 0 && path?.leaving === 'no') path.leaving = 'theirs'
    this.#effects.push({ type: 'goaway', path: id, reason, delayMs })
  }

  /** Whoever left a path keeps it until the other has nothing on its way there either. */
  #checkDrained(path: PathState): void {
    if (path.failed || !path.isDrained || this.#paths.sending === path) return
    if (path.leaving === 'theirs') {
      path.leaving = 'drained'
      this.#effects.push({
        type: 'send',
        path: path.path,
        frame: { type: 'goaway', path: path.path, reason: 0, delayMs: DRAINED_DELAY_MS }
      })
    } else if (path.leaving === 'both') {
      path.leaving = 'drained'
      this.#effects.push({ type: 'pathDrained', path: path.path })
    }
  }

  #onCounted(frame: CountedFrame): void {
    const open = this.status === 'open'
    if (frame.type === 'stream') this.#streams.onStream(frame, open)
    else if (frame.type === 'reset') this.#streams.onReset(frame, open)
    else if (frame.type === 'stopSending') this.#streams.onStopSending(frame, open)
    else if (frame.type === 'maxData') this.#streams.onMaxData(frame.max)
    else if (frame.type === 'maxStreamData') this.#streams.onMaxStreamData(frame.stream, frame.max, open)
    else this.#onClose(frame)
  }

  #onAck(on: PathState, { path: id, sequence, delayMs }: AckFrame): void {
    const path = this.#paths.get(id)
    if (path == null) return
    if (path !== on) {
      this.#onRecordsAcked(path.onAckElsewhere(sequence, this.#now))
      return
    }
    const { records, isEcho } = path.onAck(sequence, delayMs, this.#now)
    if (isEcho) this.#paths.restore(path)
    this.#onRecordsAcked(records)
  }

  #onRecordsAcked(records: readonly SentRecord[]): void {
    for (const { item } of records) this.#onAcked(item)
    this.#checkClosed()
  }

  #onAcked(item: SentItem): void {
    if (item.type === 'stream') this.#streams.onAcked(item.stream, item.piece)
    else if (item.type === 'reset') this.#streams.onResetAcked(item.stream)
    else if (item.type === 'close') this.#closing.onAcked()
  }

  #onLost(item: SentItem): void {
    if (item.type === 'stream') this.#streams.onLost(item.stream, item.piece)
    else if (item.type === 'close') this.#closing.onLost()
    else this.#streams.onControlLost(item)
  }

  // Closing

  close(now: number): void {
    this.#now = now
    if (this.status !== 'open') return
    this.#closing.begin()
    this.#streams.finishAll()
  }

  abort(code: number, now: number): void {
    this.#now = now
    if (this.status === 'closed') return
    const frame: Frame = { type: 'close', code, streams: this.#streams.ownCount, seen: this.#streams.peerCount }
    for (const { path, failed } of this.#paths.values()) {
      if (!failed) this.#effects.push({ type: 'send', path, frame })
    }
    this.#end(code)
  }

  #onClose({ code, streams, seen }: CloseFrame): void {
    if (code === 0) {
      this.#closing.onPeerClose(streams, seen)
      return
    }
    this.#streams.failReaders(code)
    this.#effects.push({ type: 'peerClosed', code })
    this.#end(code)
  }

  #checkPeerClosed(): void {
    const { missing } = this.#closing
    if (missing == null || !this.#streams.isPeerDone(missing.streams, missing.seen)) return
    this.#closing.onPeerComplete()
    this.#streams.abandonUnseen(missing.seen)
    this.#effects.push({ type: 'peerClosed', code: 0 })
    this.#checkClosed()
  }

  #checkClosed(): void {
    if (!this.#closing.isComplete || !this.#streams.isAcked) return
    // Whatever the carrier says: there is no later moment, and the peer waits for the acknowledgement of its CLOSE.
    for (const path of this.#paths.values()) this.#sender.acknowledge(path, this.#now)
    this.#end(0)
  }

  #end(code: number): void {
    this.#closing.end()
    this.#streams.clear()
    this.#paths.clear()
    this.#sender.stop()
    this.#effects.push({ type: 'closed', code })
  }
}
