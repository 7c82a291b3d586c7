import { INITIAL_RTT_MS, MIN_RTO_MS } from './config.ts'

/** A minimum older than this may be of another route, and is measured anew (BBR: 10 s). */
const MIN_RTT_VALID_MS = 10_000

/**
 * Longer ones are stalls of a process, sleep, or an outage, not a path: taken as they are, one of them would put off every
 * later suspicion by as much.
 */
const MAX_SAMPLE_MS = 3_000

/** RFC 6298 smoothing, as RFC 9002 section 5 applies it. */
export class RttEstimator {
  srttMs: number | undefined
  minRttMs: number | undefined
  #rttVarMs = INITIAL_RTT_MS / 2
  #minAt = 0

  sample(measuredMs: number, now: number): void {
    const rttMs = Math.min(measuredMs, MAX_SAMPLE_MS)
    if (this.srttMs == null) {
      this.srttMs = rttMs
      this.#rttVarMs = rttMs / 2
    } else {
      this.#rttVarMs = 0.75 * this.#rttVarMs + 0.25 * Math.abs(this.srttMs - rttMs)
      this.srttMs = 0.875 * this.srttMs + 0.125 * rttMs
    }
    if (this.minRttMs == null || rttMs <= this.minRttMs) this.restartMin(rttMs, now)
  }

  isMinStale(now: number): boolean {
    return now - this.#minAt > MIN_RTT_VALID_MS
  }

  restartMin(rttMs: number, now: number): void {
    this.minRttMs = rttMs
    this.#minAt = now
  }

  /** Time without ACK progress after which a path is suspect. */
  rtoMs(peerAckDelayMs: number): number {
    return Math.max(MIN_RTO_MS, (this.srttMs ?? INITIAL_RTT_MS) + 4 * this.#rttVarMs + peerAckDelayMs)
  }
}
