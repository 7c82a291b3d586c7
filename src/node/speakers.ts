import type { IdentifyResult, Libp2pEvents, PeerId, TypedEventTarget } from '@libp2p/interface'
import { SESSION_PROTOCOL } from '../wire/index.ts'

/** Peers remembered: some bytes each. */
const MAX_PEERS = 4_096

/** A refusal holds this long: people update their programs. */
const REFUSAL_MS = 600_000

type Known = { readonly speaks: true } | { readonly speaks: false; readonly until: number }

/** Who speaks the session protocol, as identify and our own dials found out. */
export class Speakers {
  readonly #known = new Map<string, Known>()
  readonly #events: TypedEventTarget<Libp2pEvents>

  constructor(events: TypedEventTarget<Libp2pEvents>) {
    this.#events = events
  }

  start(): void {
    this.#events.addEventListener('peer:identify', this.#onIdentify)
  }

  stop(): void {
    this.#events.removeEventListener('peer:identify', this.#onIdentify)
  }

  speaks(peer: string): boolean {
    return this.#known.get(peer)?.speaks === true
  }

  refused(peer: string): boolean {
    const known = this.#known.get(peer)
    return known?.speaks === false && Date.now() < known.until
  }

  onSpoke(peer: PeerId): void {
    this.#remember(peer, { speaks: true })
  }

  onRefused(peer: PeerId): void {
    this.#remember(peer, { speaks: false, until: Date.now() + REFUSAL_MS })
  }

  readonly #onIdentify = ({ detail: { peerId, protocols } }: CustomEvent<IdentifyResult>): void => {
    if (protocols.includes(SESSION_PROTOCOL)) this.onSpoke(peerId)
    else this.onRefused(peerId)
  }

  #remember(peer: PeerId, known: Known): void {
    const key = peer.toString()
    this.#known.delete(key)
    this.#known.set(key, known)
    if (this.#known.size > MAX_PEERS) this.#known.delete(this.#known.keys().next().value!)
  }
}
