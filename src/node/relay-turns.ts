import delay from 'delay'
import { Share } from '../path/index.ts'

/** DESIGN rule 6: circuits that replace others, per relay. What comes beyond that waits. */
const TURNS = { perSecond: 3, burst: 8 } as const

/** Many links of one node, and many nodes, are not to ask in step. */
const JITTER_MS = 50

/** How often this node may ask a relay for another circuit in place of one: those that serve many must not be asked by all at once. */
export class RelayTurns {
  readonly #shares = new Map<string, Share>()

  /** A circuit that cannot wait takes a turn where there is one, and keeps nobody waiting for longer. */
  onDial(relay: string): void {
    const now = performance.now()
    const share = this.#shareOf(relay, now)
    if (share.available(now) > 0) share.take(1)
  }

  #shareOf(relay: string, now: number): Share {
    const share = this.#shares.get(relay) ?? new Share(TURNS, now)
    this.#shares.set(relay, share)
    return share
  }

  /** Resolves when it is this caller's turn; in the order of the calls, about. @throws when `signal` ends the wait */
  async next(relay: string, signal: AbortSignal): Promise<void> {
    const now = performance.now()
    const share = this.#shareOf(relay, now)
    const isFree = share.available(now) > 0
    const waitMs = isFree ? 0 : share.delayMs(1) + Math.random() * JITTER_MS
    share.take(1)
    if (waitMs > 0) await delay(waitMs, { signal })
    signal.throwIfAborted()
  }
}
