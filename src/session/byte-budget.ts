import {
  BUDGET_RESERVE_BYTES,
  BUDGET_TOLD_RATIO,
  EKE_OUT_MS,
  EKE_OUT_PIECE_BYTES,
  MAX_BUDGET_RESERVE_RATIO,
  MIN_BUDGET_PIECE_BYTES,
  SETTLING_BYTES
} from './config.ts'

/** The bytes of a limited path, both directions and all overhead together. */
export interface ByteBudgetInit {
  /** What the relay, or experience with it, gave the circuit when it began. */
  readonly limitBytes: number
  /** What is left of it now. */
  readonly remainingBytes: number
  /** With less than this the path is to be replaced. */
  readonly renewBelowBytes: number
}

/**
 * What one side may still send on a limited path. The limit is for both directions, and neither knows what the other has on
 * its way: so each takes half of what it knows to be left, less what it has on its way itself. Acknowledgements travel on the
 * same path, in order behind the peer's own data: when they come, what they answer has been counted here.
 */
export class ByteBudget {
  readonly #limitBytes: number
  readonly #renewBelowBytes: number
  readonly #reserveBytes: number
  /** Its set-up has used up so much of a small limit that every other one would begin like that. */
  #isBornLow: boolean
  #readBytes: number
  /** Handed over since the last reading. */
  #unreadBytes = 0
  /** Counted frames on their way, as long as their acknowledgement has not come here. */
  #unackedBytes = 0
  /** Acknowledged on another path: on their way for all that is known here. */
  #elsewhere: { sequence: number; bytes: number } | undefined
  #peerUsedBytes = 0
  /** What the peer was last told. */
  #toldBytes = 0
  /** Since it became low: what was left beyond the reserve, and what was sent of it. */
  #ekingOut: { readonly since: number; readonly bytes: number; sentBytes: number } | undefined

  constructor({ limitBytes, remainingBytes, renewBelowBytes }: ByteBudgetInit) {
    this.#limitBytes = limitBytes
    this.#readBytes = remainingBytes
    this.#isBornLow = remainingBytes < renewBelowBytes + SETTLING_BYTES
    this.#renewBelowBytes = renewBelowBytes
    this.#reserveBytes = Math.min(BUDGET_RESERVE_BYTES, limitBytes * MAX_BUDGET_RESERVE_RATIO)
  }

  get remainingBytes(): number {
    const own = this.#readBytes - this.#unreadBytes
    const byPeer = this.#limitBytes - this.#peerUsedBytes - this.#unackedBytes
    // More than its own half no peer has on its way; one that says so may be after our circuits.
    return Math.max(0, Math.min(own, Math.max(byPeer, own / 2)))
  }

  /** Both directions, as this side counts. */
  get usedBytes(): number {
    return Math.max(0, this.#limitBytes - this.remainingBytes)
  }

  /** What may be sent now. */
  allowanceBytes(now: number): number {
    if (this.#ekingOut == null) return this.#shareBytes
    const { since, bytes, sentBytes } = this.#ekingOut
    return Math.max(0, Math.min(this.#shareBytes, (bytes * (now - since)) / EKE_OUT_MS - sentBytes))
  }

  get #shareBytes(): number {
    return Math.max(0, (this.remainingBytes - this.#reserveBytes) / 2 - this.#unackedBytes)
  }

  /** Less than this waits for more. */
  get leastBytes(): number {
    if (this.#ekingOut == null) return MIN_BUDGET_PIECE_BYTES
    return Math.max(MIN_BUDGET_PIECE_BYTES, Math.min(EKE_OUT_PIECE_BYTES, this.#ekingOut.bytes / 8))
  }

  /** When so much may be sent, if nothing but time is missing. */
  allowedAt(bytes: number): number | undefined {
    if (this.#ekingOut == null || this.#ekingOut.bytes === 0 || this.#shareBytes < bytes) return undefined
    const { since, sentBytes } = this.#ekingOut
    return since + ((sentBytes + bytes) * EKE_OUT_MS) / this.#ekingOut.bytes
  }

  /** True once: its successor is to be asked for, and what is left eked out from now on. */
  becomesLow(now: number): boolean {
    if (!this.isLow || this.#ekingOut != null) return false
    this.#ekingOut = { since: now, bytes: Math.max(0, this.remainingBytes - this.#reserveBytes), sentBytes: 0 }
    return true
  }

  /** What the peer is to be told of it now, if anything. */
  takeUsed(): number | undefined {
    const { usedBytes } = this
    if (usedBytes - this.#toldBytes < this.#limitBytes * BUDGET_TOLD_RATIO) return undefined
    this.#toldBytes = usedBytes
    return usedBytes
  }

  /** What is left is for answers: small frames of the session wait as well. */
  get isSpent(): boolean {
    return this.remainingBytes < this.#reserveBytes / 2
  }

  get isLow(): boolean {
    return !this.#isBornLow && this.remainingBytes < this.#renewBelowBytes
  }

  /** What libp2p counts as left. `isWritten`: everything handed over was, and is in it. */
  onReading(remainingBytes: number, isWritten: boolean): void {
    this.#readBytes = remainingBytes
    if (isWritten) this.#unreadBytes = 0
  }

  onPeerUsed(bytes: number): void {
    this.#peerUsedBytes = Math.max(this.#peerUsedBytes, bytes)
  }

  onSent(bytes: number, isCounted: boolean): void {
    this.#unreadBytes += bytes
    if (!isCounted) return
    this.#unackedBytes += bytes
    if (this.#ekingOut != null) this.#ekingOut.sentBytes += bytes
    this.onCarried()
  }

  /** Data went over it, in either direction: what comes next may need another path. */
  onCarried(): void {
    this.#isBornLow = false
  }

  onAcked(bytes: number): void {
    this.#unackedBytes -= bytes
  }

  onAckedElsewhere(sequence: number, bytes: number): void {
    this.#elsewhere = { sequence, bytes: bytes + (this.#elsewhere?.bytes ?? 0) }
  }

  /** The path's own acknowledgements have come so far. */
  onEcho(sequence: number): void {
    if (this.#elsewhere == null || sequence < this.#elsewhere.sequence) return
    this.#unackedBytes -= this.#elsewhere.bytes
    this.#elsewhere = undefined
  }
}
