import type { PeerId } from '@libp2p/interface'
import { PeerMap } from '@libp2p/peer-collections'

/** How long carriers are refused after the first offence; each further one doubles it. */
const FIRST_MS = 1_000
const MAX_MS = 60_000

/** Without an offence for this long, the next is the first again. */
const FORGET_MS = 5 * 60_000

/** Peers remembered; the one whose last offence is the longest ago is forgotten for a new one. */
const MAX_OFFENDERS = 1_024

interface Offences {
  readonly refusedMs: number
  readonly refusedUntil: number
}

/**
 * Peers that broke the protocol. Each new carrier costs a handshake with its signatures: who breaks the protocol and comes
 * back at once would take a good part of the CPU from everybody else.
 */
export class Offenders {
  readonly #offenders = new PeerMap<Offences>()
  readonly #now: () => number

  /** `now` in milliseconds, monotonic. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** For how long it is refused from now on; 0: it is already, as several paths of one peer may break at once. */
  add(peer: PeerId): number {
    if (this.isRefused(peer)) return 0
    const now = this.#now()
    const last = this.#offenders.get(peer)
    const isFirst = last == null || now - last.refusedUntil >= FORGET_MS
    const refusedMs = isFirst ? FIRST_MS : Math.min(MAX_MS, last.refusedMs * 2)
    // The order of the map is that of the last offences.
    this.#offenders.delete(peer)
    this.#offenders.set(peer, { refusedMs, refusedUntil: now + refusedMs })
    this.#forgetOldest()
    return refusedMs
  }

  isRefused(peer: PeerId): boolean {
    const { refusedUntil = 0 } = this.#offenders.get(peer) ?? {}
    return this.#now() < refusedUntil
  }

  #forgetOldest(): void {
    if (this.#offenders.size <= MAX_OFFENDERS) return
    for (const peer of this.#offenders.keys()) {
      this.#offenders.delete(peer)
      return
    }
  }
}
