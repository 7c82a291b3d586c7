import { type CloseFrame, type CountedFrame, type Frame, MAX_STREAM_PAYLOAD } from '../wire/index.ts'
import type { PathInit, PathStats, SessionCore } from './api.ts'
import { MAX_BLOCKED_REPEAT_MS, MAX_PATHS, type SessionConfig } from './config.ts'
import type { SessionEffect } from './effects.ts'
import { ProtocolViolationError, SessionClosedError } from './errors.ts'
import { PathState, type SentItem, type SentRecord } from './path-state.ts'
import { Streams } from './streams.ts'

/** What a frame weighs beside its payload, about: for in-flight accounting only. */
const FRAME_OVERHEAD_BYTES = 8

/** Control frames may go beyond the in-flight limit by this: what a peer that acknowledges nothing makes us keep is bounded. */
const CONTROL_ROOM_BYTES = 65_536

/** PINGs on a suspect path are this far apart at most. */
const MAX_PROBE_INTERVAL_MS = 2_000

type CloseState =
  | { readonly status: 'none' }
  | { readonly status: 'wanted' }
  /** `streams` and `seen` stay what they were, however often CLOSE is repeated. */
  | { readonly status: 'sent'; readonly streams: number; readonly seen: number; lost: boolean }
  | { readonly status: 'acked' }

/** Credit somebody asked for: `sent` until it is acknowledged. */
type CreditAnswer =
  | { readonly status: 'due' }
  | { readonly status: 'sent'; readonly max: number; readonly sequence: number }

export interface SessionInit {
  readonly side: 0 | 1
  readonly config: SessionConfig
  readonly now: number
}

export class Session implements SessionCore {
  readonly side: 0 | 1
  status: 'open' | 'closing' | 'closed' = 'open'

  readonly #streams: Streams
  readonly #paths = new Map<number, PathState>()
  readonly #effects: SessionEffect[] = []
  #order: readonly number[] = []
  #now: number
  #nonce = 0
  /** Per path, the streams (undefined: the session) whose credit BLOCKED asked for there. */
  readonly #answers = new Map<PathState, Map<number | undefined, CreditAnswer>>()
  /** Suspicions to tell the peer about. */
  readonly #statusDue = new Set<number>()
  #blockedAt: number | undefined
  #blockedIntervalMs = 0
  #close: CloseState = { status: 'none' }
  #peerClose: { readonly streams: number; readonly seen: number; reported: boolean } | undefined

  constructor({ side, config, now }: SessionInit) {
    this.side = side
    this.#now = now
    this.#streams = new Streams(side, config, (effect) => this.#effects.push(effect))
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

  paths(): PathStats[] {
    return [...this.#paths.values()].map((path) => path.stats())
  }

  attachPath(id: number, init: PathInit, now: number): void {
    this.#now = now
    if (this.status === 'closed' || this.#paths.has(id)) return
    if (this.#paths.size >= MAX_PATHS) throw new ProtocolViolationError(`A session has at most ${MAX_PATHS} paths`)
    this.#paths.set(id, new PathState(id, init, now))
    this.#streams.onPeerWindows(init.peerStreamWindow, init.peerSessionWindow)
    this.#requeueSuspects()
  }

  detachPath(id: number, now: number): void {
    this.#now = now
    const path = this.#paths.get(id)
    if (path == null) return
    this.#paths.delete(id)
    this.#answers.delete(path)
    this.#statusDue.delete(id)
    this.#requeue(path.unacked())
  }

  receive(id: number, frame: Frame, now: number): void {
    this.#now = now
    const path = this.#paths.get(id)
    if (path == null || path.failed || this.status === 'closed') return
    path.onHeard(now)
    try {
      this.#onFrame(path, frame, now)
    } catch (error) {
      path.failed = true
      this.#effects.push({ type: 'pathError', path: id, error: error as Error })
    }
  }

  flush(now: number): void {
    this.#now = now
    for (const path of this.#paths.values()) this.#sendAnswers(path)
  }

  setWritable(id: number, writable: boolean, now: number): void {
    this.#now = now
    const path = this.#paths.get(id)
    if (path == null) return
    path.writable = writable
    if (writable) this.#sendAnswers(path)
  }

  prefer(order: readonly number[], now: number): void {
    this.#now = now
    this.#order = order
  }

  ping(id: number, now: number): number {
    this.#now = now
    const nonce = this.#nonce++
    const path = this.#paths.get(id)
    if (path != null && !path.failed) {
      path.onPing(nonce, now)
      this.#effects.push({ type: 'send', path: id, frame: { type: 'ping', nonce } })
    }
    return nonce
  }

  sendGoaway(id: number, reason: number, delayMs: number, now: number): void {
    this.#now = now
    if (this.#paths.has(id)) {
      this.#effects.push({ type: 'send', path: id, frame: { type: 'goaway', path: id, reason, delayMs } })
    }
  }

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

  close(now: number): void {
    this.#now = now
    if (this.status !== 'open') return
    this.status = 'closing'
    this.#close = { status: 'wanted' }
    this.#streams.finishAll()
  }

  abort(code: number, now: number): void {
    this.#now = now
    if (this.status === 'closed') return
    const frame: Frame = { type: 'close', code, streams: this.#streams.ownCount, seen: this.#streams.peerCount }
    for (const path of this.#paths.keys()) this.#effects.push({ type: 'send', path, frame })
    this.#end(code)
  }

  tick(now: number): void {
    this.#now = now
    for (const path of this.#paths.values()) {
      if (path.status === 'healthy' && path.suspectAt != null && now >= path.suspectAt) this.#suspect(path, 'self')
      if (path.probeAt != null && now >= path.probeAt) this.#probe(path)
    }
    if (this.#blockedAt != null && now >= this.#blockedAt) this.#sendBlocked()
  }

  nextWakeAt(): number | undefined {
    let at = this.#blockedAt
    for (const path of this.#paths.values()) {
      if (path.failed) continue
      at = earlier(at, path.status === 'healthy' ? path.suspectAt : undefined)
      at = earlier(at, path.probeAt)
    }
    return at
  }

  takeEffects(): SessionEffect[] {
    if (this.status !== 'closed') this.#pump()
    return this.#effects.splice(0)
  }

  // Receiving

  #onFrame(path: PathState, frame: Frame, now: number): void {
    switch (frame.type) {
      case 'stream':
      case 'reset':
      case 'stopSending':
      case 'maxData':
      case 'maxStreamData':
      case 'close':
        this.#onCounted(frame)
        path.receivedCount++
        path.countedReceivedAt = now
        path.ackPending = true
        this.#checkPeerClosed()
        return
      case 'ack':
        this.#onAck(frame.path, frame.sequence, frame.delayMs)
        return
      case 'ping':
        path.pongPending = frame.nonce
        return
      case 'pong':
        this.#onPong(path, frame.nonce)
        return
      case 'blocked':
        this.#answerBlocked(path, frame.stream, frame.limit)
        return
      case 'status': {
        const suspect = frame.suspects == null ? undefined : this.#paths.get(frame.suspects)
        if (suspect != null && suspect !== path) this.#suspect(suspect, 'peer')
        return
      }
      case 'goaway':
        this.#effects.push({ type: 'goaway', path: frame.path, reason: frame.reason, delayMs: frame.delayMs })
        return
      case 'hello':
      case 'confirm':
        throw new ProtocolViolationError(`Peer sent ${frame.type} on a path that is already attached`)
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

  #onClose({ code, streams, seen }: CloseFrame): void {
    if (code === 0) {
      this.#peerClose ??= { streams, seen, reported: false }
      return
    }
    this.#streams.abandonAll(code)
    this.#effects.push({ type: 'peerClosed', code })
    this.#end(code)
  }

  #onAck(id: number, sequence: number, delayMs: number): void {
    const path = this.#paths.get(id)
    if (path == null) return
    if (sequence > path.sentCount) {
      throw new ProtocolViolationError(
        `Peer acknowledged ${sequence} frames of path ${id}, ${path.sentCount} were sent`
      )
    }
    const records = path.onAck(sequence, delayMs, this.#now)
    for (const { item } of records) this.#onAcked(item)
    if (records.length > 0) {
      this.#forgetAnswers(path)
      this.#restore(path)
    }
    this.#checkClosed()
  }

  #onAcked(item: SentItem): void {
    if (item.type === 'stream') this.#streams.onAcked(item.stream, item.piece)
    else if (item.type === 'reset') this.#streams.onResetAcked(item.stream)
    else if (item.type === 'close') this.#close = { status: 'acked' }
  }

  #onPong(path: PathState, nonce: number): void {
    const rttMs = path.onPong(nonce, this.#now)
    if (rttMs == null) return
    this.#effects.push({ type: 'pong', path: path.path, nonce, rttMs })
    this.#restore(path)
  }

  /**
   * Answered on the path it came on: the sender heard nothing where credit usually goes. Like all answers it waits for the
   * carrier, and one that is still unacknowledged there is not repeated: asking often must not make us keep more.
   */
  #answerBlocked(path: PathState, stream: number | undefined, limit: number): void {
    const max = this.#credit(stream)
    if (max == null || max <= limit) return
    let answers = this.#answers.get(path)
    if (answers == null) {
      answers = new Map()
      this.#answers.set(path, answers)
    }
    const answer = answers.get(stream)
    if (answer == null || (answer.status === 'sent' && answer.max < max)) answers.set(stream, { status: 'due' })
  }

  #sendCreditAnswers(path: PathState): void {
    const answers = this.#answers.get(path)
    if (answers == null) return
    for (const [stream, { status }] of answers) {
      if (status === 'sent') continue
      const max = this.#credit(stream)
      if (max == null) {
        answers.delete(stream)
        continue
      }
      if (stream == null) this.#sendCounted(path, { type: 'maxData', max }, { type: 'maxData' })
      else this.#sendCounted(path, { type: 'maxStreamData', stream, max }, { type: 'maxStreamData', stream })
      answers.set(stream, { status: 'sent', max, sequence: path.sentCount })
    }
  }

  #forgetAnswers(path: PathState): void {
    const answers = this.#answers.get(path)
    if (answers == null) return
    for (const [stream, answer] of answers) {
      if (answer.status === 'sent' && answer.sequence <= path.ackedCount) answers.delete(stream)
    }
  }

  #credit(stream: number | undefined): number | undefined {
    return stream == null ? this.#streams.dataGranted : this.#streams.granted(stream)
  }

  // Suspicion and loss

  #suspect(path: PathState, by: 'self' | 'peer'): void {
    if (path.status === 'suspect') return
    path.status = 'suspect'
    path.suspectedAt = this.#now
    path.probeAt = this.#now
    path.probeIntervalMs = path.rtoMs
    if (by === 'self') this.#statusDue.add(path.path)
    this.#effects.push({ type: 'pathSuspect', path: path.path, by })
    this.#requeueSuspects()
  }

  /** Only the path's own echo gets here. */
  #restore(path: PathState): void {
    if (path.status === 'healthy') return
    path.status = 'healthy'
    path.probeAt = undefined
    this.#statusDue.delete(path.path)
    this.#effects.push({ type: 'pathRestored', path: path.path })
    this.#requeueSuspects()
  }

  #probe(path: PathState): void {
    if (path.writable) this.ping(path.path, this.#now)
    path.probeAt = this.#now + path.probeIntervalMs
    path.probeIntervalMs = Math.min(MAX_PROBE_INTERVAL_MS, path.probeIntervalMs * 2)
  }

  /** Unacknowledged bytes of suspect paths are sent again, once, where a healthy path can take them. */
  #requeueSuspects(): void {
    const target = this.#target()
    if (target == null || target.status !== 'healthy') return
    for (const path of this.#paths.values()) {
      if (path.status === 'suspect') this.#requeue(path.unacked())
    }
  }

  #requeue(records: Iterable<SentRecord>): void {
    for (const record of records) {
      if (record.requeued) continue
      record.requeued = true
      const { item } = record
      if (item.type === 'stream') this.#streams.onLost(item.stream, item.piece)
      else if (item.type === 'close') {
        if (this.#close.status === 'sent') this.#close.lost = true
      } else this.#streams.onControlLost(item)
    }
  }

  // Sending

  #target(): PathState | undefined {
    let fallback: PathState | undefined
    for (const id of [...this.#order, ...this.#paths.keys()]) {
      const path = this.#paths.get(id)
      if (path == null || path.failed) continue
      if (path.status === 'healthy') return path
      fallback ??= path
    }
    return fallback
  }

  #pump(): void {
    const path = this.#target()
    if (path == null) return
    if (path.status === 'healthy' && path.writable) this.#sendStatus(path)
    while (path.writable && path.inFlight.bytes < path.inFlight.limit + CONTROL_ROOM_BYTES) {
      const control = this.#streams.nextControl()
      if (control == null) break
      this.#sendCounted(path, control.frame, control.item)
    }
    while (path.writable && path.inFlight.hasRoom) {
      const next = this.#streams.nextPiece(MAX_STREAM_PAYLOAD)
      if (next == null) {
        path.inFlight.onAppLimited()
        break
      }
      const { stream, piece } = next
      const { offset, fin, data } = piece
      const item: SentItem = { type: 'stream', stream: stream.id, piece: { offset, length: piece.length, fin } }
      this.#sendCounted(path, { type: 'stream', stream: stream.id, offset, fin, data }, item)
    }
    this.#sendClose(path)
    this.#watchBlocked(path)
  }

  #sendCounted(path: PathState, frame: CountedFrame, item: SentItem): void {
    const bytes = FRAME_OVERHEAD_BYTES + (frame.type === 'stream' ? frame.data.byteLength : 0)
    path.onSent(item, bytes, this.#now)
    this.#effects.push({ type: 'send', path: path.path, frame })
  }

  /** ACK, PONG and the credit BLOCKED asked for: at most one of each waits, and leaves only while the carrier accepts. */
  #sendAnswers(path: PathState): void {
    if (!path.writable || path.failed) return
    if (path.ackPending) this.#sendAck(path)
    if (path.pongPending != null) {
      this.#effects.push({ type: 'send', path: path.path, frame: { type: 'pong', nonce: path.pongPending } })
      path.pongPending = undefined
    }
    this.#sendCreditAnswers(path)
  }

  #sendAck(path: PathState): void {
    path.ackPending = false
    const delayMs = Math.max(0, Math.round(this.#now - path.countedReceivedAt))
    const frame: Frame = { type: 'ack', path: path.path, sequence: path.receivedCount, delayMs }
    this.#effects.push({ type: 'send', path: path.path, frame })
  }

  #sendStatus(path: PathState): void {
    for (const suspects of this.#statusDue) {
      this.#effects.push({ type: 'send', path: path.path, frame: { type: 'status', suspects, renew: false } })
    }
    this.#statusDue.clear()
  }

  #sendClose(path: PathState): void {
    if (this.#close.status === 'wanted') {
      if (!this.#streams.isFlushed) return
      this.#close = { status: 'sent', streams: this.#streams.ownCount, seen: this.#streams.peerCount, lost: true }
    }
    if (this.#close.status !== 'sent' || !this.#close.lost || !path.writable) return
    this.#close.lost = false
    const { streams, seen } = this.#close
    this.#sendCounted(path, { type: 'close', code: 0, streams, seen }, { type: 'close' })
  }

  #watchBlocked(path: PathState): void {
    if (this.#streams.blockedCount === 0) {
      this.#blockedAt = undefined
    } else if (this.#blockedAt == null) {
      this.#blockedIntervalMs = path.rtoMs
      this.#blockedAt = this.#now + this.#blockedIntervalMs
    }
  }

  #sendBlocked(): void {
    const path = this.#target()
    if (path?.writable === true) {
      for (const frame of this.#streams.blockedFrames()) {
        this.#effects.push({ type: 'send', path: path.path, frame })
      }
    }
    this.#blockedIntervalMs = Math.min(MAX_BLOCKED_REPEAT_MS, this.#blockedIntervalMs * 2)
    this.#blockedAt = this.#now + this.#blockedIntervalMs
  }

  // Closing

  #checkPeerClosed(): void {
    const close = this.#peerClose
    if (close == null || close.reported || !this.#streams.isPeerDone(close.streams, close.seen)) return
    close.reported = true
    this.#streams.abandonUnseen(close.seen)
    this.#effects.push({ type: 'peerClosed', code: 0 })
    this.#checkClosed()
  }

  #checkClosed(): void {
    if (this.status !== 'closing' || this.#close.status !== 'acked' || this.#peerClose?.reported !== true) return
    if (!this.#streams.isAcked) return
    // Whatever the carrier says: there is no later moment, and the peer waits for the acknowledgement of its CLOSE.
    for (const path of this.#paths.values()) if (path.ackPending) this.#sendAck(path)
    this.#end(0)
  }

  #end(code: number): void {
    if (this.status === 'closed') return
    this.status = 'closed'
    this.#streams.clear()
    this.#paths.clear()
    this.#answers.clear()
    this.#statusDue.clear()
    this.#blockedAt = undefined
    this.#effects.push({ type: 'closed', code })
  }
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a == null) return b
  return b == null ? a : Math.min(a, b)
}
