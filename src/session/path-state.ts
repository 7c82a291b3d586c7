import type { PathInit, PathStats } from './api.ts'
import { ACK_DELAY_MS } from './config.ts'
import { type DeliverySnapshot, InFlight } from './in-flight.ts'
import { RttEstimator } from './rtt.ts'
import type { SentPiece } from './send-half.ts'

/** What a counted frame did, so that it can be acknowledged, or done again from current state when its path dies. */
export type SentItem =
  | { readonly type: 'stream'; readonly stream: number; readonly piece: SentPiece }
  | { readonly type: 'reset'; readonly stream: number }
  | { readonly type: 'stopSending'; readonly stream: number }
  | { readonly type: 'maxData' }
  | { readonly type: 'maxStreamData'; readonly stream: number }
  | { readonly type: 'close' }

export interface SentRecord {
  readonly item: SentItem
  readonly at: number
  readonly bytes: number
  readonly delivery: DeliverySnapshot
  /** Already queued again elsewhere, because the path became suspect. */
  requeued: boolean
}

/** PINGs remembered per path: enough for one per RTO over a long silence. */
const MAX_PINGS = 16

/** One path as the session core sees it. */
export class PathState {
  readonly path: number
  readonly limited: boolean
  readonly rtt = new RttEstimator()
  readonly inFlight: InFlight
  status: 'healthy' | 'suspect' = 'healthy'
  writable = true
  /** It broke the protocol; its driver is about to detach it. */
  failed = false

  /** Counted frames sent, and of those acknowledged. */
  sentCount = 0
  ackedCount = 0
  /** Counted frames received, and what our last ACK said. */
  receivedCount = 0
  ackPending = false
  countedReceivedAt = 0
  pongPending: number | undefined

  lastHeardAt: number
  lastProgressAt: number
  unansweredSince: number | undefined
  /** When it last became suspect. */
  suspectedAt = Number.NEGATIVE_INFINITY
  /** Next PING on a suspect path, and the interval after it. */
  probeAt: number | undefined
  probeIntervalMs = 0

  readonly #unacked: SentRecord[] = []
  #head = 0
  readonly #pings = new Map<number, number>()

  constructor(path: number, init: PathInit, now: number) {
    this.path = path
    this.limited = init.limited
    this.inFlight = new InFlight(init.limited, now)
    this.lastHeardAt = now
    this.lastProgressAt = now
  }

  get rtoMs(): number {
    return this.rtt.rtoMs(ACK_DELAY_MS)
  }

  get oldestUnacked(): SentRecord | undefined {
    return this.#unacked[this.#head]
  }

  /** When silence becomes suspicion; undefined while nothing is unacknowledged. */
  get suspectAt(): number | undefined {
    const oldest = this.oldestUnacked
    return oldest == null ? undefined : Math.max(oldest.at, this.lastProgressAt) + this.rtoMs
  }

  onSent(item: SentItem, bytes: number, now: number): void {
    this.sentCount++
    this.#unacked.push({ item, at: now, bytes, delivery: this.inFlight.onSent(bytes, now), requeued: false })
    this.unansweredSince ??= now
  }

  onHeard(now: number): void {
    this.lastHeardAt = now
    this.unansweredSince = undefined
  }

  onPing(nonce: number, now: number): void {
    this.#pings.set(nonce, now)
    if (this.#pings.size > MAX_PINGS) this.#pings.delete(this.#pings.keys().next().value!)
    this.unansweredSince ??= now
  }

  /** Round-trip time of this PING, if we sent it here. */
  onPong(nonce: number, now: number): number | undefined {
    const at = this.#pings.get(nonce)
    if (at == null) return undefined
    this.#pings.delete(nonce)
    const rttMs = now - at
    this.rtt.sample(rttMs, now)
    // An idle path shows its own round-trip time without being drained for it.
    if (this.inFlight.bytes === 0 && this.rtt.isMinStale(now)) this.rtt.restartMin(rttMs, now)
    return rttMs
  }

  /** Records newly acknowledged by a cumulative ACK; empty for an old one. */
  onAck(sequence: number, delayMs: number, now: number): SentRecord[] {
    const count = sequence - this.ackedCount
    if (count <= 0) return []
    const records = this.#unacked.slice(this.#head, this.#head + count)
    this.#head += count
    if (this.#head > 64 && this.#head * 2 > this.#unacked.length) {
      this.#unacked.splice(0, this.#head)
      this.#head = 0
    }
    this.ackedCount = sequence
    this.lastProgressAt = now
    const newest = records.at(-1)!
    const rttMs = Math.max(0, now - newest.at - delayMs)
    // What waited out a suspicion tells how long that lasted. As a sample it would put off the next one by seconds.
    if (newest.at >= this.suspectedAt) this.rtt.sample(rttMs, now)
    let bytes = 0
    for (const record of records) bytes += record.bytes
    this.inFlight.onAcked(bytes, { sentAt: newest.at, rttMs, delivery: newest.delivery }, this.rtt, now)
    return records
  }

  /** Everything unacknowledged, oldest first. */
  *unacked(): Generator<SentRecord> {
    for (let i = this.#head; i < this.#unacked.length; i++) yield this.#unacked[i]!
  }

  stats(): PathStats {
    return {
      path: this.path,
      status: this.status,
      srttMs: this.rtt.srttMs,
      minRttMs: this.rtt.minRttMs,
      rtoMs: this.rtoMs,
      inFlightBytes: this.inFlight.bytes,
      inFlightLimit: this.inFlight.limit,
      oldestUnackedAt: this.oldestUnacked?.at,
      lastHeardAt: this.lastHeardAt,
      unansweredSince: this.unansweredSince
    }
  }
}
