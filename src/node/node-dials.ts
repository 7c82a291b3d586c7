import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { type Dialer, type PeerLink, PeerRefusedProtocolError, peerIdOf, relayOf } from '../link/index.ts'
import { pathKind } from '../path/index.ts'
import type { LinkDialing } from './link-transport.ts'
import type { Peers } from './peers.ts'
import type { Policy } from './policy.ts'
import type { Reach } from './reach.ts'
import type { Speakers } from './speakers.ts'
import { fallBackToStock } from './stock-fallback.ts'

export interface NodeDialsInit {
  readonly self: PeerId
  readonly policy: Policy
  readonly speakers: Speakers
  readonly peers: Peers
  readonly reach: Reach
  readonly dialer: Dialer
  isStarted(): boolean
  isRelay(peer: PeerId): boolean
  dial(peer: PeerId, address: Multiaddr, signal: AbortSignal): Promise<PeerLink>
}

/** `node.dial` and `node.dialProtocol`, as the transport in front of the stock ones asks for them. */
export class NodeDials implements LinkDialing {
  readonly #init: NodeDialsInit

  constructor(init: NodeDialsInit) {
    this.#init = init
  }

  claims(address: Multiaddr): boolean {
    const { self, policy, speakers, isStarted, isRelay } = this.#init
    const id = peerIdOf(address)
    if (!isStarted() || id == null || id === self.toString()) return false
    const peer = peerIdFromString(id)
    if (isRelay(peer)) return false
    // Bare ones are ours for all peers: no other transport knows what to do with them.
    if (address.getComponents().length === 1) return true
    // Nobody else may answer for an address that would reveal what the policy keeps back.
    if (pathKind(address) === 'webrtc' && !policy.mayReveal(peer)) return true
    if (speakers.refused(id)) return false
    return relayOf(address) != null || speakers.speaks(id)
  }

  async dialConnection(address: Multiaddr, signal: AbortSignal): Promise<Connection> {
    const { speakers, peers, reach, dial } = this.#init
    const peer = peerIdFromString(peerIdOf(address)!)
    try {
      if (speakers.refused(peer.toString())) {
        const carrier = await reach.openCarrier(peers.of(peer), signal)
        return await this.#fallBack(peer, carrier, address, signal)
      }
      const link = await dial(peer, address, signal)
      return link.connection
    } catch (err) {
      if (!(err instanceof PeerRefusedProtocolError)) throw err
      return this.#fallBack(peer, err.carrier, address, signal)
    }
  }

  #fallBack(peer: PeerId, carrier: Connection, address: Multiaddr, signal: AbortSignal): Promise<Connection> {
    return fallBackToStock(
      carrier,
      address,
      async (signal) => {
        this.#init.policy.assertUpgrades(peer)
        return this.#init.dialer.dialWebRTCUnmarked(peer, carrier, { signal })
      },
      signal
    )
  }
}
