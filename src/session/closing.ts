import type { CloseFrame } from '../wire/index.ts'

/** How many streams the closing side opened, and how many of the other side's it saw. Fixed once, however often CLOSE is sent. */
interface Counts {
  readonly streams: number
  readonly seen: number
}

/**
 * - `open`: nobody closed here
 * - `wanted`: no new streams; those there are end first
 * - `due`: all is sent, CLOSE is next; again when it is lost with its path
 * - `sent`, `acked`
 * - `over`: both sides closed, or somebody aborted
 */
type OwnClose =
  | { readonly status: 'open' | 'wanted' | 'acked' | 'over' }
  | ({ readonly status: 'due' | 'sent' } & Counts)

/**
 * - `named`: CLOSE came; streams it counts may still be on their way
 * - `complete`: everything of the peer's is here
 */
type PeerClose = { readonly status: 'open' | 'complete' } | ({ readonly status: 'named' } & Counts)

/** The closing handshake: each direction closes by itself. */
export class Closing {
  #own: OwnClose = { status: 'open' }
  #peer: PeerClose = { status: 'open' }

  get status(): 'open' | 'closing' | 'closed' {
    if (this.#own.status === 'open') return 'open'
    return this.#own.status === 'over' ? 'closed' : 'closing'
  }

  /** Ours is acknowledged and the peer's complete. */
  get isComplete(): boolean {
    return this.#own.status === 'acked' && this.#peer.status === 'complete'
  }

  // Our direction

  begin(): void {
    this.#own = { status: 'wanted' }
  }

  get isWanted(): boolean {
    return this.#own.status === 'wanted'
  }

  onFlushed(streams: number, seen: number): void {
    this.#own = { status: 'due', streams, seen }
  }

  /** CLOSE, if it is due; it counts as sent. */
  take(): CloseFrame | undefined {
    if (this.#own.status !== 'due') return undefined
    const { streams, seen } = this.#own
    this.#own = { status: 'sent', streams, seen }
    return { type: 'close', code: 0, streams, seen }
  }

  onLost(): void {
    if (this.#own.status === 'sent') this.#own = { ...this.#own, status: 'due' }
  }

  onAcked(): void {
    this.#own = { status: 'acked' }
  }

  end(): void {
    this.#own = { status: 'over' }
  }

  // The peer's direction

  onPeerClose(streams: number, seen: number): void {
    if (this.#peer.status === 'open') this.#peer = { status: 'named', streams, seen }
  }

  /** What the peer's CLOSE counts, while some of it may be missing. */
  get missing(): Counts | undefined {
    return this.#own.status !== 'over' && this.#peer.status === 'named' ? this.#peer : undefined
  }

  onPeerComplete(): void {
    this.#peer = { status: 'complete' }
  }
}
