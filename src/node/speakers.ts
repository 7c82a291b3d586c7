import type { IdentifyResult, Libp2pEvents, PeerId, TypedEventTarget } from '@libp2p/interface'
import { SESSION_PROTOCOL } from '../wire/index.ts'

/** Peers remembered: some bytes each. */
const MAX_PEERS = 4_096

/** A refusal holds this long: people update their programs. */
const REFUSAL_MS = 600_000

/** Circuits are dialled over `getConnections(relay)[0]`, and fail where that is a carrier of a link: relays get none. */
export const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop'

type Known =
  | { readonly status: 'speaks' }
  | { readonly status: 'refused'; readonly until: number }
  /** Whether it speaks does not matter. */
  | { readonly status: 'relay' }

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
    return this.#known.get(peer)?.status === 'speaks'
  }

  isRelay(peer: string): boolean {
    return this.#known.get(peer)?.status === 'relay'
  }

  refused(peer: string): boolean {
    const known = this.#known.get(peer)
    return known?.status === 'refused' && Date.now() < known.until
  }

  onSpoke(peer: PeerId): void {
    this.#remember(peer, { status: 'speaks' })
  }

  onRefused(peer: PeerId): void {
    this.#remember(peer, { status: 'refused', until: Date.now() + REFUSAL_MS })
  }

  readonly #onIdentify = ({ detail: { peerId, protocols } }: CustomEvent<IdentifyResult>): void => {
    if (protocols.includes(HOP_PROTOCOL)) this.#remember(peerId, { status: 'relay' })
    else if (protocols.includes(SESSION_PROTOCOL)) this.onSpoke(peerId)
    else this.onRefused(peerId)
  }

  #remember(peer: PeerId, known: Known): void {
    const key = peer.toString()
    this.#known.delete(key)
    this.#known.set(key, known)
    if (this.#known.size > MAX_PEERS) this.#known.delete(this.#known.keys().next().value!)
  }
}
