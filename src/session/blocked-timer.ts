import { MAX_BLOCKED_REPEAT_MS } from './config.ts'

type BlockedState =
  | { readonly status: 'idle' }
  | { readonly status: 'blocked'; readonly askAt: number; readonly intervalMs: number }

const IDLE: BlockedState = { status: 'idle' }

/** When to say BLOCKED: one RTO after bytes began to wait for credit, which is usually on its way, then ever less often. */
export class BlockedTimer {
  #state: BlockedState = IDLE

  get askAt(): number | undefined {
    return this.#state.status === 'blocked' ? this.#state.askAt : undefined
  }

  onBlocked(rtoMs: number, now: number): void {
    if (this.#state.status === 'idle') this.#wait(rtoMs, now)
  }

  stop(): void {
    this.#state = IDLE
  }

  /** Whether it is time; if so, the next time is set. */
  take(now: number): boolean {
    if (this.#state.status === 'idle' || now < this.#state.askAt) return false
    this.#wait(Math.min(MAX_BLOCKED_REPEAT_MS, this.#state.intervalMs * 2), now)
    return true
  }

  #wait(intervalMs: number, now: number): void {
    this.#state = { status: 'blocked', askAt: now + intervalMs, intervalMs }
  }
}
