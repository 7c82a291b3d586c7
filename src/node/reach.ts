import type { Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import {
  type Attempt,
  type Dialer,
  NoRouteError,
  type Peer,
  type PeerLink,
  PeerRefusedProtocolError,
  RaceLostError,
  race,
  relayedAddress,
  relayOf,
  type Way
} from '../link/index.ts'
import type { Relays } from './relays.ts'

/** Gets a first path to a peer, by every way known at once. */
export class Reach {
  readonly #dialer: Dialer
  readonly #relays: Relays

  constructor(dialer: Dialer, relays: Relays) {
    this.#dialer = dialer
    this.#relays = relays
  }

  /**
   * The address given first, then every relay.
   *
   * @throws {PeerRefusedProtocolError} with the carrier that reached the peer
   * @throws {NoRouteError} naming what was tried
   */
  async open(peer: Peer, address: Multiaddr | undefined, signal: AbortSignal): Promise<PeerLink> {
    const ways: Way<PeerLink>[] = []
    const given = address == null ? undefined : relayOf(address)
    const isDirect = address != null && given == null && address.getComponents().length > 1
    if (isDirect) ways.push(this.#way(peer, address, (signal) => this.#dialer.dialDirect(peer.id, address, { signal })))
    const relays = await this.#relays.towards(peer.id)
    const all =
      given == null
        ? relays
        : [given, ...relays.filter((relay) => relayName(relay, peer.id) !== relayName(given, peer.id))]
    for (const relay of all) {
      const circuit = relayedAddress(relay, peer.id)
      ways.push(this.#way(peer, circuit, (signal) => this.#dialer.dialRelayed(peer.id, relay, { signal })))
    }
    try {
      return await race(ways, signal, (err) => err instanceof PeerRefusedProtocolError)
    } catch (err) {
      if (err instanceof RaceLostError)
        throw new NoRouteError(peer.id.toString(), err.attempts satisfies readonly Attempt[])
      throw err
    }
  }

  #way(peer: Peer, address: Multiaddr, dial: (signal: AbortSignal) => Promise<Connection>): Way<PeerLink> {
    return {
      name: address.toString(),
      go: async (signal) => {
        const carrier = await dial(signal)
        try {
          signal.throwIfAborted()
          return await peer.openPath(carrier, { signal })
        } catch (err) {
          // The carrier of a refusal is handed on: it is what stock libp2p would have given.
          if (!(err instanceof PeerRefusedProtocolError)) carrier.abort(err as Error)
          throw err
        }
      }
    }
  }
}

function relayName(relay: Multiaddr, peer: PeerId): string {
  return relayedAddress(relay, peer).toString()
}
