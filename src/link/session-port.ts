import type { AbortOptions, Connection } from '@libp2p/interface'
import type { SessionPath } from '../path/index.ts'
import type { PathInit, PathStats } from '../session/index.ts'
import type { Frame } from '../wire/index.ts'

/** What a link needs of its running session; `node` drives the core behind it. Times are the session's own clock's. */
export interface SessionPort {
  /** The durable connection. Rejects when a connection gater denies it. */
  readonly connection: Promise<Connection>
  now(): number
  attach(id: number, path: SessionPath, windows: Omit<PathInit, 'limited' | 'budget'>): void
  detach(id: number): void
  receive(path: SessionPath, frames: Frame[]): void
  setWritable(path: SessionPath): void
  prefer(order: readonly number[]): void
  ping(id: number): void
  /** Asks the peer, who opened this path, to replace it. */
  askRenewal(id: number): void
  goaway(id: number, reason: number, delayMs: number): void
  /** What is due leaves now instead of at the end of the task. */
  flush(): void
  paths(): PathStats[]
  /** Written by the application and not acknowledged; after an end that was not orderly, what may be lost. */
  readonly unacknowledgedBytes: number
  /** Nothing is on its way in either direction, and every stream of the application has ended at both sides. */
  readonly isSettled: boolean
  /** Finish all streams, flush, say good-bye; resolves when the peer has everything. */
  close(options?: AbortOptions): Promise<void>
  /** The peer has ended this session: orderly if all we had is acknowledged, else streams end with this error. */
  peerEnded(error: Error): void
  /** Over without a good-bye: for a settled session that has nobody to say it to. */
  end(): void
  /** End all streams with this error, tell the peer if a path is up, free everything. */
  abort(error: Error): void
  /** As `abort`, and the peer is told that this side left. */
  leave(error: Error): void
}

/** What a running session tells its link. */
export interface SessionListener {
  onSuspect(path: number): void
  onRestored(path: number): void
  onPong(path: number, rttMs: number): void
  /** `delayMs` 0: it is given up already. */
  onGoaway(path: number, delayMs: number): void
  /** It carries little more. */
  onBudgetLow(path: number): void
  /** The peer asks us to replace it. */
  onRenewAsked(path: number): void
  /** This side left it, and nothing is on its way there any more. */
  onPathDrained(path: number): void
  /** The peer said good-bye and all it sent was delivered. */
  onPeerClosed(): void
  /** The session is over. No error: both sides closed and have everything. */
  onClosed(error?: Error): void
}
