import type { CountedFrame } from '../../../../src/wire/index.ts'
import { fail } from '../fail.ts'

export interface Sent {
  readonly frame: CountedFrame
  readonly at: number
}

const MANY = 64

/** Counted frames one side sent on one path, and how far the peer acknowledged them, here or on another path. */
export class SentLog {
  readonly path: number
  /** Without the first ones, which are told of for good. */
  #sent: Sent[] = []
  #forgotten = 0
  #acked = 0
  /** As far as ACKs went that came on this path. */
  #echoed = 0
  readonly #pings = new Set<number>()
  /** The last sign that both ways of this path work: its own ACK went further, or its own PONG came. */
  echoAt: number
  /** The last own ACK that went further. */
  progressAt: number
  /** Heard on another path since this one is overdue. */
  heardElsewhereAt: number | undefined
  /** As the session said last. */
  rtoMs = 0
  /** Anything came on this path. */
  heardAt: number
  /** What was overdue came to be known as arrived, on another path, and this one is heard: only its ACKs are late. */
  excusedAt = Number.NEGATIVE_INFINITY
  #arrived = false
  suspect = false
  /** The peer must still be told of our suspicion. */
  untold = false

  constructor(path: number, now: number) {
    this.path = path
    this.echoAt = now
    this.progressAt = now
    this.heardAt = now
  }

  get oldestUnackedAt(): number | undefined {
    return this.#sent[this.#acked - this.#forgotten]?.at
  }

  /** What the path itself was not heard to have carried. */
  get oldestUnechoedAt(): number | undefined {
    return this.#sent[this.#echoed - this.#forgotten]?.at
  }

  get unacked(): readonly Sent[] {
    return this.#sent.slice(this.#acked - this.#forgotten)
  }

  onHeard(now: number): void {
    this.heardAt = now
    if (this.#arrived) this.excusedAt = now
  }

  onSent(frame: CountedFrame, now: number): number {
    this.#sent.push({ frame, at: now })
    return this.#count
  }

  onPing(nonce: number): void {
    this.#pings.add(nonce)
  }

  /** Says whether that is an echo of this path. */
  onPong(nonce: number, now: number): boolean {
    return this.#pings.delete(nonce) && this.#echo(now)
  }

  /** What this newly acknowledges. */
  onAck(sequence: number, here: boolean, now: number): { records: readonly Sent[]; isEcho: boolean } {
    if (sequence > this.#count) fail(`${sequence} frames of path ${this.path} acknowledged, ${this.#count} sent`)
    const records = this.#sent.slice(this.#acked - this.#forgotten, Math.max(0, sequence - this.#forgotten))
    this.#acked = Math.max(this.#acked, sequence)
    if (!here && records.length > 0) {
      this.#arrived = true
      if (now - this.heardAt < this.rtoMs) this.excusedAt = now
    }
    if (!here || sequence <= this.#echoed) return { records, isEcho: false }
    this.#echoed = sequence
    const told = Math.min(this.#echoed, this.#acked)
    if (told - this.#forgotten > MANY) {
      this.#sent = this.#sent.slice(told - this.#forgotten)
      this.#forgotten = told
    }
    this.progressAt = now
    return { records, isEcho: this.#echo(now) }
  }

  get #count(): number {
    return this.#forgotten + this.#sent.length
  }

  isAcked(sequence: number): boolean {
    return sequence <= this.#acked
  }

  #echo(now: number): true {
    this.#arrived = false
    this.echoAt = now
    this.heardElsewhereAt = undefined
    return true
  }
}
