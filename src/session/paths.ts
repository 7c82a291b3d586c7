import type { PathInit, PathStats } from './api.ts'
import { MAX_PATHS } from './config.ts'
import { earlier } from './earlier.ts'
import type { SessionEffect } from './effects.ts'
import { ProtocolViolationError } from './errors.ts'
import { PathState, type SentRecord } from './path-state.ts'
import type { SentItem } from './sent-item.ts'

/** The paths of a session: which of them sends, which are suspect, and what is lost with them. Knows nothing of streams. */
export class Paths {
  readonly #emit: (effect: SessionEffect) => void
  readonly #onLost: (item: SentItem) => void
  readonly #paths = new Map<number, PathState>()
  #order: readonly number[] = []
  #nonce = 0

  constructor(emit: (effect: SessionEffect) => void, onLost: (item: SentItem) => void) {
    this.#emit = emit
    this.#onLost = onLost
  }

  get(id: number): PathState | undefined {
    return this.#paths.get(id)
  }

  values(): Iterable<PathState> {
    return this.#paths.values()
  }

  stats(): PathStats[] {
    return [...this.#paths.values()].map((path) => path.stats())
  }

  /** @throws {ProtocolViolationError} too many */
  add(id: number, init: PathInit, now: number): void {
    if (this.#paths.size >= MAX_PATHS) throw new ProtocolViolationError(`A session has at most ${MAX_PATHS} paths`)
    this.#paths.set(id, new PathState(id, init, now))
  }

  remove(id: number): void {
    const path = this.#paths.get(id)
    if (path == null) return
    this.#paths.delete(id)
    this.#requeue(path.unacked())
  }

  clear(): void {
    this.#paths.clear()
  }

  prefer(order: readonly number[]): void {
    this.#order = order
  }

  /** The path that sends: the best healthy one, or the best at all. */
  get sending(): PathState | undefined {
    return this.sendingBut(undefined)
  }

  /** The same if this one were not there. */
  sendingBut(excluded: PathState | undefined): PathState | undefined {
    let fallback: PathState | undefined
    for (const id of this.#order) {
      const path = this.#paths.get(id)
      if (path == null || path.failed || path === excluded) continue
      if (path.status === 'healthy') return path
      fallback ??= path
    }
    for (const path of this.#paths.values()) {
      if (path.failed || path === excluded) continue
      if (path.status === 'healthy') return path
      fallback ??= path
    }
    return fallback
  }

  /**
   * Room for stream data: its own, and beside what is still in flight on other paths, which mostly leave by the same line:
   * as much as fills that without a queue. After a switch the new path so begins as the old one drains. Of a burst, the line's
   * queue would have the old path's last frames behind it (a carrier has a window of its own), and until those arrive nothing
   * is delivered in order.
   */
  hasRoom({ inFlight }: PathState): boolean {
    if (!inFlight.hasRoom || inFlight.bytes < inFlight.least) return inFlight.hasRoom
    let elsewhere = 0
    let most = inFlight.queueless
    for (const { inFlight: other, status } of this.#paths.values()) {
      if (other === inFlight || other.bytes === 0 || status === 'suspect') continue
      elsewhere += other.bytes
      most = Math.max(most, other.queueless)
    }
    return elsewhere === 0 || elsewhere + inFlight.bytes < most
  }

  ping(id: number, now: number): number {
    const nonce = this.#nonce++
    const path = this.#paths.get(id)
    if (path != null && !path.failed) {
      path.onPing(nonce, now)
      this.#emit({ type: 'send', path: id, frame: { type: 'ping', nonce } })
    }
    return nonce
  }

  onPong(path: PathState, nonce: number, now: number): void {
    const rttMs = path.onPong(nonce, now)
    if (rttMs == null) return
    this.#emit({ type: 'pong', path: path.path, nonce, rttMs })
    this.restore(path)
  }

  // Suspicion and loss

  suspect(path: PathState, by: 'self' | 'peer', now: number): void {
    if (path.status === 'suspect') return
    path.suspect(by === 'peer', now)
    this.#emit({ type: 'pathSuspect', path: path.path, by })
    this.requeueSuspects()
  }

  /** Only the path's own echo gets here. */
  restore(path: PathState): void {
    const wasSuspect = path.status === 'suspect'
    path.restore()
    if (!wasSuspect) return
    this.#emit({ type: 'pathRestored', path: path.path })
    this.requeueSuspects()
  }

  /** Whoever is heard here is not the reason for silence elsewhere. */
  onHeard(heard: PathState, now: number): void {
    heard.onHeard(now)
    for (const path of this.#paths.values()) if (path !== heard) path.onHeardElsewhere(heard, now)
  }

  /** Unacknowledged bytes of suspect paths are sent again, once, where a healthy path can take them. */
  requeueSuspects(): void {
    if (this.sending?.status !== 'healthy') return
    for (const path of this.#paths.values()) {
      if (path.status === 'suspect') this.#requeue(path.unacked())
    }
  }

  tick(now: number): void {
    for (const path of this.#paths.values()) {
      if (path.doubtAt != null && now >= path.doubtAt) this.#doubt(path, now)
      if (path.suspectAt != null && now >= path.suspectAt) this.suspect(path, 'self', now)
      if (path.probeAt != null && now >= path.probeAt) this.#probe(path, now)
    }
  }

  get wakeAt(): number | undefined {
    let at: number | undefined
    for (const path of this.#paths.values()) {
      if (!path.failed) at = earlier(at, path.suspectAt ?? path.doubtAt ?? path.probeAt)
    }
    return at
  }

  /** The other path is asked whether the peer is there; without one there is nothing to compare with. */
  #doubt(path: PathState, now: number): void {
    const other = this.sendingBut(path)
    if (other?.status !== 'healthy') {
      this.suspect(path, 'self', now)
      return
    }
    path.doubt(now)
    this.ping(path.path, now)
    this.ping(other.path, now)
  }

  #probe(path: PathState, now: number): void {
    if (path.writable) this.ping(path.path, now)
    path.onProbed(now)
  }

  #requeue(records: Iterable<SentRecord>): void {
    for (const record of records) {
      if (record.requeued) continue
      record.requeued = true
      this.#onLost(record.item)
    }
  }
}
