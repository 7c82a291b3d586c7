import type { UpgradeStatus } from './api.ts'
import { backoffMs } from './backoff.step.ts'
import { FIRST_UPGRADE_TIMEOUT_MS, QUARANTINE, UPGRADE_BACKOFF } from './config.ts'

/** The background search for a direct path: one bounded attempt at a time, then backoff. */
export class Upgrade {
  #status: UpgradeStatus = { status: 'idle' }
  #failures = 0
  #attempts = 0
  #deaths: number[] = []
  #quarantines = 0

  get status(): UpgradeStatus {
    return this.#status
  }

  get retryAt(): number | undefined {
    return this.#status.status === 'backoff' ? this.#status.retryAt : undefined
  }

  forbid(reason: string): void {
    this.#status = { status: 'never', reason }
  }

  /** Policy has changed its mind. */
  allow(): void {
    if (this.#status.status === 'never') this.#status = { status: 'idle' }
  }

  /** Whether an attempt may start now. */
  isDue(now: number): boolean {
    return this.#status.status === 'idle' || (this.#status.status === 'backoff' && now >= this.#status.retryAt)
  }

  /** What the next attempt may take. */
  timeoutMs(maxMs: number): number {
    return Math.min(maxMs, FIRST_UPGRADE_TIMEOUT_MS * 2 ** Math.min(this.#failures, 30))
  }

  start(): number {
    this.#attempts++
    this.#status = { status: 'trying', attempt: this.#attempts }
    return this.#attempts
  }

  failed(now: number, random: () => number): void {
    if (this.#status.status !== 'trying') return
    this.#failures++
    this.#wait(now + backoffMs(this.#failures, UPGRADE_BACKOFF, random))
  }

  /** A direct path is attached. */
  succeeded(): void {
    if (this.#status.status === 'never') return
    this.#failures = 0
    this.#status = { status: 'idle' }
  }

  /** Network change, wake from sleep, or the user asks: what failed before says nothing now. */
  retryNow(): void {
    // The attempt under way began in the world before: its failure counts as a first one.
    this.#failures = 0
    if (this.#status.status === 'backoff') this.#status = { status: 'idle' }
  }

  /** A direct path died by itself: try again at once, unless that happens too often. */
  pathDied(now: number): void {
    this.#deaths = this.#deaths.filter((at) => now - at < QUARANTINE.windowMs)
    this.#deaths.push(now)
    if (this.#deaths.length < QUARANTINE.deaths) {
      this.#quarantines = this.#deaths.length === 1 ? 0 : this.#quarantines
      return
    }
    const waitMs = Math.min(QUARANTINE.maxMs, QUARANTINE.firstMs * 2 ** Math.min(this.#quarantines, 30))
    this.#quarantines++
    if (this.#status.status === 'idle') this.#wait(now + waitMs)
  }

  #wait(retryAt: number): void {
    this.#status = { status: 'backoff', attempt: this.#attempts, retryAt }
  }
}
