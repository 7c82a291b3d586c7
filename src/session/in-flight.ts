import { MAX_STREAM_PAYLOAD } from '../wire/index.ts'
import { FIRST_IN_FLIGHT, FIRST_IN_FLIGHT_LIMITED, MAX_IN_FLIGHT, MIN_BDP_RTT_MS } from './config.ts'
import type { RttEstimator } from './rtt.ts'

/** Delivery state when a frame was sent, for a rate sample when it is acknowledged. */
export interface DeliverySnapshot {
  readonly delivered: number
  readonly deliveredAt: number
  /** When what was acknowledged last, then, had been sent. */
  readonly firstSentAt: number
  readonly appLimited: boolean
}

const RATE_WINDOW_MS = 3_000

/** How long the queue is kept drained to see the path's own round-trip time again (BBR's ProbeRTT). */
const PROBE_RTT_MS = 100

/** Frames that in-flight limits do not hold back may keep it from draining. */
const MAX_DRAIN_MS = 1_000

/** Products kept in flight: two leave room for a carrier that delivers in bursts (BBR's cwnd gain). */
const GAIN = 2

/**
 * The same while the queue is drained: none is left, and data goes on flowing, without bursts of one per round trip
 * (BBRProbeRTTCwndGain of BBR version 2).
 */
const PROBE_RTT_GAIN = 0.5

/** A piece of stream data takes about this long on the path: whatever comes next waits for it. */
const PIECE_MS = 10

/** Smaller ones would be mostly framing: of noise, muxer, WebSocket and session, some 40 bytes. */
const MIN_PIECE_BYTES = 1_200

/** In flight at least: some pieces leave while others are acknowledged (BBRMinPipeCwnd). Fewer while the queue is drained. */
const MIN_PIECES = 4
const PROBE_RTT_PIECES = 2

/** An acknowledged frame, for one sample. */
export interface DeliverySample {
  readonly sentAt: number
  readonly rttMs: number
  readonly delivery: DeliverySnapshot
}

/**
 * How many bytes one path may have in flight: delivery rate x minimum RTT x 2 (BBR's cwnd gain), ignoring samples taken while
 * the application had nothing to send. That doubles each round trip while the path keeps up, and overshoots by no more than
 * itself; it does not shrink before an RTT sample exceeds twice the minimum. Twice the product keeps a queue of its own,
 * which would be taken for the path when the minimum is measured anew: so every 10 s under load the queue is drained for a
 * moment first.
 */
export class InFlight {
  limit: number
  bytes = 0
  readonly #first: number
  #startup = true
  #delivered = 0
  #deliveredAt = 0
  #firstSentAt = 0
  #appLimitedUntil = -1
  #rates: Array<{ at: number; bytesPerMs: number }> = []
  #probe: { readonly since: number; drainedAt: number | undefined; minRttMs: number } | undefined

  constructor(limited: boolean, now: number) {
    this.#first = limited ? FIRST_IN_FLIGHT_LIMITED : FIRST_IN_FLIGHT
    this.limit = this.#first
    this.#deliveredAt = now
  }

  get hasRoom(): boolean {
    return this.bytes < this.limit
  }

  /** In flight without a queue, about: the product itself. */
  get queueless(): number {
    return this.limit / GAIN
  }

  /** In flight whatever else is. */
  get least(): number {
    return Math.min(this.#first, MIN_PIECES * this.pieceBytes)
  }

  /** How much stream data one frame may carry. */
  get pieceBytes(): number {
    const { bytesPerMs } = this.#rates[0] ?? { bytesPerMs: Number.POSITIVE_INFINITY }
    return Math.round(Math.min(MAX_STREAM_PAYLOAD, Math.max(MIN_PIECE_BYTES, PIECE_MS * bytesPerMs)))
  }

  onSent(bytes: number, now: number): DeliverySnapshot {
    if (this.bytes === 0) this.#deliveredAt = this.#firstSentAt = now
    this.bytes += bytes
    return {
      delivered: this.#delivered,
      deliveredAt: this.#deliveredAt,
      firstSentAt: this.#firstSentAt,
      appLimited: this.#appLimitedUntil >= this.#delivered
    }
  }

  /** There was room, but nothing left to send, or other paths had to drain: rates say nothing of this path. */
  onAppLimited(): void {
    if (this.hasRoom) this.#appLimitedUntil = this.#delivered + Math.max(this.bytes, 1)
  }

  /** Acknowledged on another path: no sample of this one. */
  onSettled(bytes: number): void {
    this.bytes -= bytes
  }

  onAcked(bytes: number, { sentAt, rttMs, delivery }: DeliverySample, rtt: RttEstimator, now: number): void {
    this.bytes -= bytes
    this.#delivered += bytes
    this.#deliveredAt = now
    this.#firstSentAt = sentAt
    // Bytes that a busy process acknowledges in one go were not sent in one go.
    const elapsedMs = Math.max(now - delivery.deliveredAt, sentAt - delivery.firstSentAt)
    if (elapsedMs > 0) {
      const bytesPerMs = (this.#delivered - delivery.delivered) / elapsedMs
      // Until the path itself was the limit once, its rate is not known: small messages say nothing of it.
      if (!delivery.appLimited || (this.#rate > 0 && bytesPerMs > this.#rate)) this.#recordRate(bytesPerMs, now)
    }
    const probes = this.#probesRtt(sentAt, rttMs, rtt, now)
    const minRttMs = rtt.minRttMs ?? rttMs
    const hasQueue = !delivery.appLimited && rttMs > 2 * Math.max(minRttMs, MIN_BDP_RTT_MS / 2)
    if (probes || hasQueue) this.#startup = false
    if (this.#rate === 0) return
    const [gain, pieces] = probes ? [PROBE_RTT_GAIN, PROBE_RTT_PIECES] : [GAIN, MIN_PIECES]
    const target = gain * this.#rate * Math.max(minRttMs, MIN_BDP_RTT_MS)
    const least = this.#startup ? this.limit : Math.min(this.#first, pieces * this.pieceBytes)
    this.limit = Math.min(MAX_IN_FLIGHT, Math.max(least, target))
  }

  #probesRtt(sentAt: number, rttMs: number, rtt: RttEstimator, now: number): boolean {
    if (this.#probe == null) {
      if (!rtt.isMinStale(now)) return false
      this.#probe = { since: now, drainedAt: undefined, minRttMs: Number.POSITIVE_INFINITY }
      return true
    }
    const probe = this.#probe
    if (this.bytes <= this.limit + this.pieceBytes || now > probe.since + MAX_DRAIN_MS) probe.drainedAt ??= now
    if (probe.drainedAt == null) return true
    if (sentAt >= probe.drainedAt) probe.minRttMs = Math.min(probe.minRttMs, rttMs)
    if (now < probe.drainedAt + PROBE_RTT_MS || probe.minRttMs === Number.POSITIVE_INFINITY) return true
    rtt.restartMin(probe.minRttMs, now)
    this.#probe = undefined
    return false
  }

  /** Highest recent delivery rate. The list is kept decreasing, so the head is the maximum. */
  get #rate(): number {
    return this.#rates[0]?.bytesPerMs ?? 0
  }

  #recordRate(bytesPerMs: number, now: number): void {
    const rates = this.#rates
    while (rates.length > 0 && rates.at(-1)!.bytesPerMs <= bytesPerMs) rates.pop()
    rates.push({ at: now, bytesPerMs })
    while (rates.length > 1 && now - rates[0]!.at > RATE_WINDOW_MS) rates.shift()
  }
}
