import { backoffMs } from './backoff.step.ts'
import { RENEWAL_BACKOFF } from './config.ts'

type RenewalState =
  | { readonly status: 'idle' }
  | { readonly status: 'dialling' }
  | { readonly status: 'backoff'; readonly retryAt: number }

/** The replacement of a relayed path: one dial at a time, then backoff. */
export class Renewal {
  #state: RenewalState = { status: 'idle' }
  #failures = 0

  /** No attempt has failed: what can wait for the next path should. */
  get isHopeful(): boolean {
    return this.#failures === 0
  }

  get retryAt(): number | undefined {
    return this.#state.status === 'backoff' ? this.#state.retryAt : undefined
  }

  isDue(now: number): boolean {
    return this.#state.status === 'idle' || (this.#state.status === 'backoff' && now >= this.#state.retryAt)
  }

  start(): void {
    this.#state = { status: 'dialling' }
  }

  failed(now: number, random: () => number): void {
    if (this.#state.status !== 'dialling') return
    this.#failures++
    this.#state = { status: 'backoff', retryAt: now + backoffMs(this.#failures, RENEWAL_BACKOFF, random) }
  }

  /** There is another relayed path, or the world is another. */
  over(): void {
    this.#failures = 0
    this.#state = { status: 'idle' }
  }
}
