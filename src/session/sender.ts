import type { CountedFrame, Frame } from '../wire/index.ts'
import { BlockedTimer } from './blocked-timer.ts'
import type { Closing } from './closing.ts'
import { BUDGET_FRAME_BYTES } from './config.ts'
import { earlier } from './earlier.ts'
import type { SessionEffect } from './effects.ts'
import type { PathState } from './path-state.ts'
import type { Paths } from './paths.ts'
import type { SentItem } from './sent-item.ts'
import type { Streams } from './streams.ts'

/** What a frame weighs beside its payload, about: for in-flight accounting only. */
const FRAME_OVERHEAD_BYTES = 8

/** What a frame takes of an allowance beside its payload. */
const ALLOWANCE_OVERHEAD_BYTES = BUDGET_FRAME_BYTES + FRAME_OVERHEAD_BYTES

/** Control frames may go beyond the in-flight limit by this: what a peer that acknowledges nothing makes us keep is bounded. */
const CONTROL_ROOM_BYTES = 65_536

export interface SenderInit {
  readonly streams: Streams
  readonly paths: Paths
  readonly closing: Closing
  readonly emit: (effect: SessionEffect) => void
}

/** Which frame leaves next: answers on the path they are about, all else on the one that sends. */
export class Sender {
  readonly #streams: Streams
  readonly #paths: Paths
  readonly #closing: Closing
  readonly #emit: (effect: SessionEffect) => void
  readonly #blocked = new BlockedTimer()
  /** When a path that is low may carry its next piece. */
  #ekeOutAt: number | undefined

  constructor({ streams, paths, closing, emit }: SenderInit) {
    this.#streams = streams
    this.#paths = paths
    this.#closing = closing
    this.#emit = emit
  }

  /** ACK, PONG and the credit BLOCKED asked for, while the carrier accepts. */
  answer(path: PathState, now: number): void {
    if (!path.writable || path.failed) return
    this.acknowledge(path, now)
    if (path.acks.owesPong) this.#acknowledgeOthers(path)
    const pong = path.acks.takePong()
    if (pong != null) this.#send(path, pong)
    for (const stream of path.creditAnswers.due()) this.#answerBlocked(path, stream, now)
  }

  acknowledge(path: PathState, now: number): void {
    const ack = path.acks.takeAck(path.path, now)
    if (ack != null) this.#send(path, ack)
  }

  /**
   * Whoever asks whether we are there may be about to send everything again that another path, dead by now, has brought us:
   * it need not.
   */
  #acknowledgeOthers(path: PathState): void {
    for (const other of this.#paths.values()) {
      if (other !== path) this.#acknowledgeElsewhere(other, path)
    }
  }

  #acknowledgeElsewhere({ acks, path }: PathState, on: PathState): void {
    const ack = acks.ackElsewhere(path)
    if (ack != null) this.#send(on, ack)
  }

  /** Everything the sending path takes: control frames, stream bytes within the in-flight limit, and CLOSE behind them. */
  pump(now: number): void {
    this.#ekeOutAt = undefined
    for (const limited of this.#paths.values()) this.#watchBudget(limited, now)
    const path = this.#paths.sending
    if (path == null) return
    if (path.status === 'healthy' && path.writable) this.#sendSuspicions(path)
    this.#sendControl(path, now)
    this.#sendPieces(path, now)
    this.#sendClose(path, now)
    if (this.#streams.isBlocked) this.#blocked.onBlocked(path.rtoMs, now)
    else this.#blocked.stop()
  }

  /** Whoever opened the path is asked to replace it. */
  askRenewal(path: PathState): void {
    if (path.failed) return
    this.#send(path, { type: 'status', usedBytes: path.budget?.usedBytes, renew: true })
  }

  #watchBudget(path: PathState, now: number): void {
    const { budget } = path
    if (budget == null || path.failed) return
    if (budget.becomesLow(now)) this.#emit({ type: 'budgetLow', path: path.path })
    const usedBytes = path.writable ? budget.takeUsed() : undefined
    if (usedBytes != null) this.#send(path, { type: 'status', usedBytes, renew: false })
  }

  tick(now: number): void {
    if (!this.#blocked.take(now)) return
    const path = this.#paths.sending
    if (path?.writable !== true) return
    for (const frame of this.#streams.blockedFrames()) this.#send(path, frame)
  }

  get wakeAt(): number | undefined {
    return earlier(this.#blocked.askAt, this.#ekeOutAt)
  }

  /** Nothing more leaves. */
  stop(): void {
    this.#blocked.stop()
    this.#ekeOutAt = undefined
  }

  #sendSuspicions(path: PathState): void {
    for (const suspect of this.#paths.values()) {
      if (!suspect.takeSuspicion()) continue
      this.#acknowledgeElsewhere(suspect, path)
      this.#send(path, { type: 'status', suspects: suspect.path, renew: false })
    }
  }

  #sendControl(path: PathState, now: number): void {
    const { inFlight } = path
    while (path.writable && inFlight.bytes < inFlight.limit + CONTROL_ROOM_BYTES && path.budget?.isSpent !== true) {
      const control = this.#streams.nextControl()
      if (control == null) return
      this.#sendCounted(path, control.frame, control.item, now)
    }
  }

  #sendPieces(path: PathState, now: number): void {
    while (path.writable && this.#paths.hasRoom(path)) {
      const maxBytes = Math.min(path.inFlight.pieceBytes, this.#allowanceBytes(path, now))
      const leastBytes = path.budget?.leastBytes ?? 0
      if (maxBytes < leastBytes) {
        const at = path.budget?.allowedAt(leastBytes + ALLOWANCE_OVERHEAD_BYTES)
        if (at != null) this.#ekeOutAt = Math.max(now + 1, at)
        break
      }
      const next = this.#streams.nextPiece(maxBytes)
      if (next == null) break
      const { stream, piece } = next
      const { offset, length, fin, data } = piece
      const item: SentItem = { type: 'stream', stream, piece: { offset, length, fin } }
      this.#sendCounted(path, { type: 'stream', stream, offset, fin, data }, item, now)
    }
    if (path.writable) path.inFlight.onAppLimited()
  }

  /** Of stream data in one frame. */
  #allowanceBytes({ budget }: PathState, now: number): number {
    if (budget == null) return Number.POSITIVE_INFINITY
    return Math.floor(budget.allowanceBytes(now)) - ALLOWANCE_OVERHEAD_BYTES
  }

  #sendClose(path: PathState, now: number): void {
    if (this.#closing.isWanted && this.#streams.isFlushed) {
      this.#closing.onFlushed(this.#streams.ownCount, this.#streams.peerCount)
    }
    if (!path.writable) return
    const close = this.#closing.take()
    if (close != null) this.#sendCounted(path, close, { type: 'close' }, now)
  }

  #answerBlocked(path: PathState, stream: number | undefined, now: number): void {
    const max = this.#streams.granted(stream)
    if (max == null) {
      path.creditAnswers.drop(stream)
      return
    }
    if (stream == null) this.#sendCounted(path, { type: 'maxData', max }, { type: 'maxData' }, now)
    else this.#sendCounted(path, { type: 'maxStreamData', stream, max }, { type: 'maxStreamData', stream }, now)
    path.creditAnswers.onSent(stream, max, path.sentCount)
  }

  #sendCounted(path: PathState, frame: CountedFrame, item: SentItem, now: number): void {
    const bytes = FRAME_OVERHEAD_BYTES + (frame.type === 'stream' ? frame.data.byteLength : 0)
    path.onSent(item, bytes, now)
    this.#emit({ type: 'send', path: path.path, frame })
  }

  #send({ path, budget }: PathState, frame: Frame): void {
    budget?.onSent(BUDGET_FRAME_BYTES, false)
    this.#emit({ type: 'send', path, frame })
  }
}
