import type { PathStats } from '../session/index.ts'
import { STANDBY_IDLE_MS, STANDBY_WANTED_AFTER_MS } from './config.ts'

/** When the application talks, as the counted frames of all paths tell. */
export class Traffic {
  #since = Number.NEGATIVE_INFINITY
  #lastAt = Number.NEGATIVE_INFINITY

  observe(stats: Iterable<PathStats>): void {
    let at = this.#lastAt
    for (const { activeAt } of stats) at = Math.max(at, activeAt)
    if (at - this.#lastAt > STANDBY_IDLE_MS) this.#since = at
    this.#lastAt = at
  }

  /** When it has been silent for long enough to stand by for less. */
  get idleAt(): number {
    return this.#lastAt + STANDBY_IDLE_MS
  }

  /** It talks, and has done so for a while. */
  isSustained(now: number): boolean {
    return now < this.idleAt && this.#lastAt - this.#since >= STANDBY_WANTED_AFTER_MS
  }
}
