import { FREE_STREAM_BYTES } from './config.ts'
import { RangeSet } from './ranges.ts'
import { counted } from './session-credit.ts'

/** What of a stream one STREAM frame carried; kept until that path acknowledges it. */
export interface SentPiece {
  readonly offset: number
  readonly length: number
  readonly fin: boolean
}

/**
 * - `open`: accepts writes
 * - `finishing`: final size known, FIN not yet acknowledged
 * - `finished`: everything, FIN included, is acknowledged
 * - `resetting`: given up, RESET not yet acknowledged
 * - `reset`: RESET acknowledged
 */
export type SendStatus = 'open' | 'finishing' | 'finished' | 'resetting' | 'reset'

/** The sending direction of one stream: bytes are kept until acknowledged, whichever path carried them. */
export class SendHalf {
  status: SendStatus = 'open'
  /** FIN or RESET has left at least once: the peer may know that this direction is over. */
  endSent = false

  /** Peer's stream credit. */
  #credit: number
  #chunks: Array<{ readonly start: number; readonly data: Uint8Array }> = []
  /** All below is acknowledged and freed. */
  #base = 0
  #next = 0
  #end = 0
  #finPending = false
  #finAcked = false
  /** Something must be sent that opens the stream at the peer. */
  #openPending: boolean
  #opened: boolean
  readonly #acked = new RangeSet()
  readonly #lost = new RangeSet()

  constructor(credit: number, opensStream: boolean) {
    this.#credit = credit
    this.#openPending = opensStream
    this.#opened = !opensStream
  }

  get credit(): number {
    return this.#credit
  }

  /** Not over yet: RESET would still mean something. */
  get canSend(): boolean {
    return this.status === 'open' || this.status === 'finishing'
  }

  /** Kept bytes: unacknowledged and unsent. */
  get bufferedBytes(): number {
    return this.#end - this.#base
  }

  /** Bytes `nextPiece` could send if credit allowed everything. */
  get pendingBytes(): number {
    if (!this.canSend) return 0
    const first = this.#lost.first
    return this.#end - this.#next + (first == null ? 0 : first[1] - first[0])
  }

  /** Highest offset ever sent: what session credit counts. */
  get sentOffset(): number {
    return this.#next
  }

  get isDone(): boolean {
    return this.status === 'finished' || this.status === 'reset'
  }

  /** It has ended, and every byte and FIN has been sent and is not known lost. RESET is a control frame, and queued as one. */
  get isFlushed(): boolean {
    if (this.status === 'open') return false
    return this.status !== 'finishing' || (this.#next === this.#end && this.#lost.isEmpty && !this.#finPending)
  }

  /** New bytes wait, but stream credit is used up. */
  get isBlocked(): boolean {
    return this.canSend && this.#lost.isEmpty && this.#next < this.#end && this.#next >= this.#credit
  }

  hasPending(sessionCredit: number): boolean {
    if (!this.canSend) return false
    if (this.#openPending || !this.#lost.isEmpty) return true
    if (this.#next < this.#end) return this.#allowedEnd(sessionCredit) > this.#next
    return this.#finPending
  }

  push(data: Uint8Array): void {
    if (data.byteLength === 0) return
    this.#chunks.push({ start: this.#end, data })
    this.#end += data.byteLength
  }

  finish(): void {
    if (this.status !== 'open') return
    this.status = 'finishing'
    this.#finPending = true
  }

  /** Drops everything kept. */
  reset(): void {
    if (!this.canSend) return
    this.status = 'resetting'
    this.#drop()
  }

  onResetSent(): void {
    this.endSent = true
  }

  /** The next bytes to send: lost ones first. `sessionCredit` is what is left for bytes never sent before. */
  nextPiece(maxBytes: number, sessionCredit: number): (SentPiece & { data: Uint8Array; newBytes: number }) | undefined {
    if (!this.canSend) return undefined
    const lost = this.#lost.first
    let offset: number
    let end: number
    let newBytes = 0
    if (lost != null) {
      offset = lost[0]
      end = Math.min(lost[1], offset + maxBytes)
      this.#lost.remove(offset, end)
    } else {
      offset = this.#next
      end = Math.min(this.#allowedEnd(sessionCredit), offset + maxBytes)
      if (end <= offset && !this.#openPending && !(this.#finPending && offset === this.#end)) return undefined
      end = Math.max(end, offset)
      newBytes = counted(end) - counted(offset)
      this.#next = end
    }
    this.#openPending = false
    const fin = this.status === 'finishing' && end === this.#end
    if (fin) {
      this.#finPending = false
      this.endSent = true
    }
    return { offset, length: end - offset, fin, data: this.#slice(offset, end), newBytes }
  }

  onAcked(piece: SentPiece): void {
    this.#opened = true
    this.#openPending = false
    if (!this.canSend) return
    const end = piece.offset + piece.length
    if (end > this.#base) {
      this.#acked.add(Math.max(piece.offset, this.#base), end)
      this.#lost.remove(piece.offset, end)
      const first = this.#acked.first
      if (first != null && first[0] <= this.#base) this.#free(first[1])
    }
    if (piece.fin) this.#finAcked = true
    if (this.#finAcked && this.#base === this.#end) {
      this.status = 'finished'
      this.#drop()
    }
  }

  onLost(piece: SentPiece): void {
    if (!this.canSend) return
    for (const [start, end] of this.#acked.missing(Math.max(piece.offset, this.#base), piece.offset + piece.length)) {
      this.#lost.add(start, end)
    }
    if (piece.fin && !this.#finAcked) this.#finPending = true
    if (!this.#opened) this.#openPending = true
  }

  onResetAcked(): void {
    if (this.status === 'resetting') this.status = 'reset'
  }

  /** Says whether that is more than before. */
  raiseCredit(max: number): boolean {
    if (max <= this.#credit) return false
    this.#credit = max
    return true
  }

  #allowedEnd(sessionCredit: number): number {
    // Session credit buys bytes beyond the free prefix only.
    const bySession = Math.max(FREE_STREAM_BYTES, this.#next) + sessionCredit
    return Math.min(this.#end, this.#credit, bySession)
  }

  #slice(start: number, end: number): Uint8Array {
    if (start === end) return EMPTY
    let index = this.#chunkAt(start)
    const first = this.#chunks[index]!
    if (end <= first.start + first.data.byteLength) return first.data.subarray(start - first.start, end - first.start)
    const out = new Uint8Array(end - start)
    for (let at = start; at < end; index++) {
      const chunk = this.#chunks[index]!
      const part = chunk.data.subarray(at - chunk.start, Math.min(end - chunk.start, chunk.data.byteLength))
      out.set(part, at - start)
      at += part.byteLength
    }
    return out
  }

  /** Index of the chunk that holds this offset. */
  #chunkAt(offset: number): number {
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#chunks[middle]!.start <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  #free(until: number): void {
    this.#acked.remove(this.#base, until)
    this.#base = until
    const whole = until === this.#end ? this.#chunks.length : this.#chunkAt(until)
    if (whole > 0) this.#chunks.splice(0, whole)
  }

  #drop(): void {
    this.#chunks = []
    this.#base = this.#end
    this.#acked.clear()
    this.#lost.clear()
  }
}

const EMPTY = new Uint8Array(0)
