import { Acks } from './acks.ts'
import type { PathInit, PathStats } from './api.ts'
import { ByteBudget } from './byte-budget.ts'
import { ACK_DELAY_MS, BUDGET_FRAME_BYTES } from './config.ts'
import { CreditAnswers } from './credit-answers.ts'
import { ProtocolViolationError } from './errors.ts'
import { type DeliverySnapshot, InFlight } from './in-flight.ts'
import { RttEstimator } from './rtt.ts'
import type { SentItem } from './sent-item.ts'

export interface SentRecord {
  readonly item: SentItem
  readonly at: number
  readonly bytes: number
  readonly delivery: DeliverySnapshot
  /** Already queued again elsewhere, because the path became suspect. */
  requeued: boolean
}

/** Suspect: the peer acknowledges nothing there in time, or says so of us. PINGs go out until the path's own echo comes. */
type PathHealth =
  | { readonly status: 'healthy' }
  | { readonly status: 'suspect'; probeAt: number; probeIntervalMs: number; peerKnows: boolean }

const HEALTHY: PathHealth = { status: 'healthy' }

/**
 * - `ours`, `theirs`: who said GOAWAY
 * - `both`: nothing new is sent here, in either direction
 * - `drained`: all of what was sent is acknowledged too
 */
export type Leaving = 'no' | 'ours' | 'theirs' | 'both' | 'drained'

/**
 * Silence of one RTO: the path may be dead, or the peer, or we, may have been busy. Heard elsewhere since, it is not the peer;
 * what it says here then is given a moment to arrive.
 */
interface Doubt {
  readonly since: number
  suspectAt: number | undefined
  /** The peer says elsewhere that it has everything we sent here before the doubt. */
  delivered: boolean
}

/**
 * An answer here is at most this much, and the difference of the round trips, behind one of the same moment elsewhere:
 * processes that wake read their sockets in any order.
 */
const ELSEWHERE_GRACE_MS = 50

/**
 * What waited longer than this while the path was in doubt tells how long an outage or a pause lasted. As a sample of the
 * round trip it would put off the next suspicion by seconds.
 */
const MAX_DOUBTED_SAMPLE_MS = 1_000

/** PINGs on a suspect path are this far apart at most. */
const MAX_PROBE_INTERVAL_MS = 2_000

/** PINGs remembered per path: enough for one per RTO over a long silence. */
const MAX_PINGS = 16

/** One path as the session core sees it. */
export class PathState {
  readonly path: number
  readonly inFlight: InFlight
  readonly acks = new Acks()
  readonly creditAnswers = new CreditAnswers()
  /** Of a limited path. */
  readonly budget: ByteBudget | undefined
  leaving: Leaving = 'no'
  writable = true
  /** It broke the protocol; its driver is about to detach it. */
  failed = false

  readonly #rtt = new RttEstimator()
  #health: PathHealth = HEALTHY
  #doubt: Doubt | undefined
  /** What was sent before this waited out a doubt. */
  #doubtedUntil = Number.NEGATIVE_INFINITY
  /** When it last became suspect. */
  #suspectedAt = Number.NEGATIVE_INFINITY

  /** Counted frames sent; of those acknowledged; of those acknowledged by an ACK that came on this path itself. */
  #sentCount = 0
  #ackedCount = 0
  #echoedCount = 0
  readonly #unacked: SentRecord[] = []
  #head = 0
  readonly #pings = new Map<number, number>()

  #lastHeardAt: number
  #lastProgressAt: number
  #unansweredSince: number | undefined
  #activeAt: number

  constructor(path: number, init: PathInit, now: number) {
    this.path = path
    this.inFlight = new InFlight(init.limited, now)
    this.budget = init.budget == null ? undefined : new ByteBudget(init.budget)
    this.#activeAt = now
    this.#lastHeardAt = now
    this.#lastProgressAt = now
  }

  get status(): PathHealth['status'] {
    return this.#health.status
  }

  get rtoMs(): number {
    return this.#rtt.rtoMs(ACK_DELAY_MS)
  }

  get sentCount(): number {
    return this.#sentCount
  }

  get #oldestUnacked(): SentRecord | undefined {
    return this.#unacked[this.#head]
  }

  // Health

  /** When silence becomes doubt; undefined while nothing is unacknowledged, or it is in doubt or suspect already. */
  get doubtAt(): number | undefined {
    const oldest = this.#oldestUnacked
    if (oldest == null || this.#doubt != null || this.#health.status === 'suspect') return undefined
    return Math.max(oldest.at, this.#lastProgressAt) + this.rtoMs
  }

  /** When doubt becomes suspicion; undefined while the peer was not heard elsewhere. */
  get suspectAt(): number | undefined {
    return this.#doubt?.suspectAt
  }

  doubt(now: number): void {
    this.#doubt = { since: now, suspectAt: undefined, delivered: false }
  }

  /** The peer was heard on another path. */
  onHeardElsewhere(elsewhere: PathState, now: number): void {
    if (this.#doubt == null || now <= this.#doubt.since) return
    const slowerMs = Math.max(0, (this.#rtt.srttMs ?? 0) - (elsewhere.#rtt.srttMs ?? 0))
    // A peer that did not answer there either was busy: what it says here waits behind all that it has to catch up with.
    const wasBusy = now - this.#doubt.since > elsewhere.rtoMs
    this.#doubt.suspectAt ??= now + slowerMs + (wasBusy ? this.rtoMs : ELSEWHERE_GRACE_MS)
  }

  /** The next PING on a suspect path. */
  get probeAt(): number | undefined {
    return this.#health.status === 'suspect' ? this.#health.probeAt : undefined
  }

  suspect(peerKnows: boolean, now: number): void {
    this.#suspectedAt = now
    this.#doubt = undefined
    this.#health = { status: 'suspect', probeAt: now, probeIntervalMs: this.rtoMs, peerKnows }
  }

  restore(): void {
    this.#doubt = undefined
    this.#health = HEALTHY
  }

  onProbed(now: number): void {
    if (this.#health.status !== 'suspect') return
    const { probeIntervalMs } = this.#health
    this.#health.probeAt = now + probeIntervalMs
    this.#health.probeIntervalMs = Math.min(MAX_PROBE_INTERVAL_MS, probeIntervalMs * 2)
  }

  /** Whether the peer must still be told of our suspicion; from now on it knows. */
  takeSuspicion(): boolean {
    if (this.#health.status !== 'suspect' || this.#health.peerKnows) return false
    this.#health.peerKnows = true
    return true
  }

  // What was sent, and its echo

  onSent(item: SentItem, bytes: number, now: number): void {
    this.#sentCount++
    this.#unacked.push({ item, at: now, bytes, delivery: this.inFlight.onSent(bytes, now), requeued: false })
    this.#unansweredSince ??= now
    this.#activeAt = now
    this.budget?.onSent(bytes + BUDGET_FRAME_BYTES, true)
  }

  /** Nothing we sent waits for an acknowledgement. */
  get isDrained(): boolean {
    return this.#oldestUnacked == null
  }

  onCounted(now: number): void {
    this.acks.onCounted(now)
    this.budget?.onCarried()
    this.#activeAt = now
  }

  onHeard(now: number): void {
    this.#lastHeardAt = now
    this.#unansweredSince = undefined
    if (this.#doubt?.delivered === true) this.#liftDoubt(now)
  }

  onPing(nonce: number, now: number): void {
    this.#pings.set(nonce, now)
    if (this.#pings.size > MAX_PINGS) this.#pings.delete(this.#pings.keys().next().value!)
    this.#unansweredSince ??= now
  }

  /** Round-trip time of this PING, if we sent it here. */
  onPong(nonce: number, now: number): number | undefined {
    const at = this.#pings.get(nonce)
    if (at == null) return undefined
    this.#pings.delete(nonce)
    const rttMs = now - at
    this.#sampleRtt(rttMs, at, now)
    // An idle path shows its own round-trip time without being drained for it.
    if (this.inFlight.bytes === 0 && this.#rtt.isMinStale(now)) this.#rtt.restartMin(rttMs, now)
    return rttMs
  }

  /**
   * A cumulative ACK that came on this path: the records it newly acknowledges, none for an old one. `isEcho`: it is the
   * first here that goes so far, whatever was acknowledged elsewhere before.
   *
   * @throws {ProtocolViolationError} so many were never sent
   */
  onAck(sequence: number, delayMs: number, now: number): { records: SentRecord[]; isEcho: boolean } {
    const records = this.#settle(sequence)
    this.budget?.onAcked(wireBytesOf(records))
    this.budget?.onEcho(sequence)
    const isEcho = sequence > this.#echoedCount
    if (!isEcho) return { records, isEcho }
    this.#echoedCount = sequence
    this.#lastProgressAt = now
    if (records.length > 0) this.#measure(records, delayMs, now)
    return { records, isEcho }
  }

  /**
   * The same from another path: what it names has arrived, but it says nothing of this path's speed, nor that what is suspect
   * is well again.
   *
   * @throws {ProtocolViolationError} so many were never sent
   */
  onAckElsewhere(sequence: number, now: number): SentRecord[] {
    const records = this.#settle(sequence)
    if (records.length > 0) this.budget?.onAckedElsewhere(sequence, wireBytesOf(records))
    this.inFlight.onSettled(bytesOf(records))
    this.#reconsider(now)
    return records
  }

  /**
   * What we sent before the doubt has arrived, and the peer is heard here: only its ACKs are late, as they are behind bulk of
   * its own on a slow line.
   */
  #reconsider(now: number): void {
    if (this.#doubt == null) return
    const oldest = this.#oldestUnacked
    if (oldest != null && oldest.at < this.#doubt.since) return
    this.#doubt.delivered = true
    if (now - this.#lastHeardAt < this.rtoMs) this.#liftDoubt(now)
  }

  #liftDoubt(now: number): void {
    this.#doubt = undefined
    this.#lastProgressAt = now
  }

  #settle(sequence: number): SentRecord[] {
    if (sequence > this.#sentCount) {
      const sent = this.#sentCount
      throw new ProtocolViolationError(`Peer acknowledged ${sequence} frames of path ${this.path}, ${sent} were sent`)
    }
    const count = sequence - this.#ackedCount
    if (count <= 0) return []
    const records = this.#unacked.slice(this.#head, this.#head + count)
    this.#head += count
    if (this.#head > 64 && this.#head * 2 > this.#unacked.length) {
      this.#unacked.splice(0, this.#head)
      this.#head = 0
    }
    this.#ackedCount = sequence
    this.creditAnswers.onAcked(sequence)
    return records
  }

  #measure(records: readonly SentRecord[], delayMs: number, now: number): void {
    const newest = records.at(-1)!
    const rttMs = Math.max(0, now - newest.at - delayMs)
    this.#sampleRtt(rttMs, newest.at, now)
    const sample = { sentAt: newest.at, rttMs, delivery: newest.delivery }
    this.inFlight.onAcked(bytesOf(records), sample, this.#rtt, now)
  }

  #sampleRtt(rttMs: number, sentAt: number, now: number): void {
    if (this.#doubt != null) this.#doubtedUntil = now
    const isOutage = rttMs > MAX_DOUBTED_SAMPLE_MS && sentAt < this.#doubtedUntil
    // What waited out a suspicion tells how long that lasted.
    if (sentAt >= this.#suspectedAt && !isOutage) this.#rtt.sample(rttMs, now)
  }

  /** Everything unacknowledged, oldest first. */
  *unacked(): Generator<SentRecord> {
    for (let i = this.#head; i < this.#unacked.length; i++) yield this.#unacked[i]!
  }

  stats(): PathStats {
    return {
      path: this.path,
      status: this.status,
      srttMs: this.#rtt.srttMs,
      minRttMs: this.#rtt.minRttMs,
      rtoMs: this.rtoMs,
      inFlightBytes: this.inFlight.bytes,
      inFlightLimit: this.inFlight.limit,
      oldestUnackedAt: this.#oldestUnacked?.at,
      lastHeardAt: this.#lastHeardAt,
      unansweredSince: this.#unansweredSince,
      activeAt: this.#activeAt,
      low: this.budget?.isLow === true
    }
  }
}

function bytesOf(records: readonly SentRecord[]): number {
  let bytes = 0
  for (const record of records) bytes += record.bytes
  return bytes
}

function wireBytesOf(records: readonly SentRecord[]): number {
  return bytesOf(records) + records.length * BUDGET_FRAME_BYTES
}
