import type { PeerId } from '@libp2p/interface'
import { PeerMap } from '@libp2p/peer-collections'
import { type Peer, type PeerLink, TooManyLinksError } from '../link/index.ts'

/** Peers whose identity is remembered beyond their links. */
const MAX_PEERS = 4_096

/** What this process knows of its peers, and the links among them. */
export class Peers {
  readonly #peers = new PeerMap<Peer>()
  readonly #maxLinks: number
  readonly #create: (id: PeerId) => Peer

  constructor(maxLinks: number, create: (id: PeerId) => Peer) {
    this.#maxLinks = maxLinks
    this.#create = create
  }

  /** Its record, a new one if there is none. */
  of(id: PeerId): Peer {
    const known = this.#peers.get(id)
    if (known != null) return known
    const peer = this.#create(id)
    this.#peers.set(id, peer)
    this.#forgetSome()
    return peer
  }

  link(id: PeerId): PeerLink | undefined {
    return this.#peers.get(id)?.link
  }

  links(): PeerLink[] {
    return [...this.#peers.values()].flatMap(({ link }) => link ?? [])
  }

  /** @throws {TooManyLinksError} */
  assertRoom(): void {
    if (this.links().length >= this.#maxLinks) throw new TooManyLinksError(this.#maxLinks)
  }

  #forgetSome(): void {
    if (this.#peers.size <= MAX_PEERS) return
    for (const [id, peer] of this.#peers) {
      if (peer.link != null) continue
      this.#peers.delete(id)
      return
    }
  }
}
