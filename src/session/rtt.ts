import { INITIAL_RTT_MS, MIN_RTO_MS } from './config.ts'

/** Window after which the minimum is measured anew: routes change. BBR uses 10 s; ACKs here also see our own queueing. */
const MIN_RTT_WINDOW_MS = 30_000

/** RFC 6298 smoothing, as RFC 9002 section 5 applies it. */
export class RttEstimator {
  srttMs: number | undefined
  minRttMs: number | undefined
  #rttVarMs = INITIAL_RTT_MS / 2
  #windowStart = 0
  #windowMin = Number.POSITIVE_INFINITY

  sample(rttMs: number, now: number): void {
    if (this.srttMs == null) {
      this.srttMs = rttMs
      this.#rttVarMs = rttMs / 2
      this.#windowStart = now
    } else {
      this.#rttVarMs = 0.75 * this.#rttVarMs + 0.25 * Math.abs(this.srttMs - rttMs)
      this.srttMs = 0.875 * this.srttMs + 0.125 * rttMs
    }
    this.#windowMin = Math.min(this.#windowMin, rttMs)
    this.minRttMs = Math.min(this.minRttMs ?? rttMs, rttMs)
    if (now - this.#windowStart > MIN_RTT_WINDOW_MS) {
      this.minRttMs = this.#windowMin
      this.#windowMin = rttMs
      this.#windowStart = now
    }
  }

  /** Time without ACK progress after which a path is suspect. */
  rtoMs(peerAckDelayMs: number): number {
    return Math.max(MIN_RTO_MS, (this.srttMs ?? INITIAL_RTT_MS) + 4 * this.#rttVarMs + peerAckDelayMs)
  }
}
