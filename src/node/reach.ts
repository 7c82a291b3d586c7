import type { Connection, PeerId, PeerStore } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import {
  type Dialer,
  NoRouteError,
  type Peer,
  type PeerLink,
  PeerRefusedProtocolError,
  peerIdOf,
  RaceLostError,
  race,
  relayedAddress,
  relayOf
} from '../link/index.ts'
import { pathKind } from '../path/index.ts'
import { throughLivingRelay } from './relay-patience.ts'
import type { RelayTurns } from './relay-turns.ts'
import type { Relays } from './relays.ts'

/** One way to a peer. */
interface Route {
  readonly address: Multiaddr
  dial(signal: AbortSignal): Promise<Connection>
}

export interface ReachInit {
  readonly dialer: Dialer
  readonly relays: Relays
  readonly peerStore: PeerStore
  readonly turns: RelayTurns
  /** Whether addresses we were told of may be dialled by ourselves: that shows our IP address to whoever is there. */
  mayDialDirect(peer: PeerId): boolean
}

export interface ReachOptions {
  /** PeerIds of relays to try last: a path through them does not answer just now. */
  readonly avoidRelays?: readonly string[]
}

/** Gets a carrier, and a first path, to a peer by every way known at once. */
export class Reach {
  readonly #init: ReachInit

  constructor(init: ReachInit) {
    this.#init = init
  }

  /**
   * The address given first, then every relay and direct address known.
   *
   * @throws {PeerRefusedProtocolError} with the carrier that reached the peer
   * @throws {NoRouteError} naming what was tried
   */
  async open(
    peer: Peer,
    address: Multiaddr | undefined,
    signal: AbortSignal,
    options: ReachOptions = {}
  ): Promise<PeerLink> {
    const routes = await this.#routes(peer, address, options)
    return this.#race(routes, peer.id, signal, async (route, carrier, signal) => {
      const link = await peer.openPath(carrier, { signal })
      if (isDirectAddress(route.address)) peer.directAddress = route.address
      return link
    })
  }

  /** Over this relay alone. */
  async openOver(peer: Peer, relay: Multiaddr, signal: AbortSignal): Promise<PeerLink> {
    const carrier = await this.#routeOver(peer.id, relay).dial(signal)
    try {
      signal.throwIfAborted()
      return await peer.openPath(carrier, { signal })
    } catch (err) {
      carrier.abort(err as Error)
      throw err
    }
  }

  /** A carrier alone, for a peer that does not speak the protocol. @throws {NoRouteError} */
  async openCarrier(peer: Peer, signal: AbortSignal): Promise<Connection> {
    return this.#race(await this.#routes(peer, undefined), peer.id, signal, async (_route, carrier) => carrier)
  }

  async #race<T>(
    routes: readonly Route[],
    peer: PeerId,
    signal: AbortSignal,
    use: (route: Route, carrier: Connection, signal: AbortSignal) => Promise<T>
  ): Promise<T> {
    const ways = routes.map((route) => ({
      name: route.address.toString(),
      go: async (signal: AbortSignal) => {
        const carrier = await route.dial(signal)
        try {
          signal.throwIfAborted()
          return await use(route, carrier, signal)
        } catch (err) {
          // The carrier of a refusal is handed on: it is what stock libp2p would have given.
          if (!(err instanceof PeerRefusedProtocolError)) carrier.abort(err as Error)
          throw err
        }
      }
    }))
    try {
      return await race(ways, signal, (err) => err instanceof PeerRefusedProtocolError)
    } catch (err) {
      if (err instanceof RaceLostError) throw new NoRouteError(peer.toString(), err.attempts)
      throw err
    }
  }

  async #routes(peer: Peer, address: Multiaddr | undefined, { avoidRelays = [] }: ReachOptions = {}): Promise<Route[]> {
    const { dialer, relays, turns, mayDialDirect } = this.#init
    const known = await this.#known(peer.id)
    const [firstRelay, ...otherRelays] = relays.towards(peer.id, known, avoidRelays)
    const direct = mayDialDirect(peer.id)
      ? known.filter((address) => isDirectAddress(address) && dialer.canDial(address))
      : []
    const given = [address, peer.directAddress].filter((address) => address != null)
    const routes = new Map<string, Route>()
    const add = (route: Route): void => {
      const name = route.address.toString()
      if (!routes.has(name)) routes.set(name, route)
    }
    const addRelay = (relay: Multiaddr): void => {
      const { address, dial } = this.#routeOver(peer.id, relay)
      add({
        address,
        dial: (signal) => {
          turns.onDial(peerIdOf(relay) ?? '')
          return dial(signal)
        }
      })
    }
    const addDirect = (address: Multiaddr): void => {
      add({ address, dial: (signal) => dialer.dialDirect(peer.id, address, { signal }) })
    }
    for (const address of given) {
      const relay = relayOf(address)
      if (relay != null) addRelay(relay)
      else if (isDirectAddress(address)) addDirect(address)
    }
    if (firstRelay != null) addRelay(firstRelay)
    direct.forEach(addDirect)
    otherRelays.forEach(addRelay)
    return [...routes.values()]
  }

  #routeOver(peer: PeerId, relay: Multiaddr): Route {
    const { dialer, relays } = this.#init
    return {
      address: relayedAddress(relay, peer),
      dial: (signal) =>
        throughLivingRelay(
          () => relays.connections(relay),
          async () => {
            await relays.connect(relay, { signal })
            return dialer.dialRelayed(peer, relay, { signal })
          },
          relays.watcher(relay)
        )
    }
  }

  async #known(peer: PeerId): Promise<Multiaddr[]> {
    try {
      const { addresses } = await this.#init.peerStore.get(peer)
      return addresses.map(({ multiaddr }) =>
        multiaddr.getComponents().at(-1)?.name === 'p2p' ? multiaddr : multiaddr.encapsulate(`/p2p/${peer}`)
      )
    } catch {
      // Not known at all.
      return []
    }
  }
}

/** By itself, without a relay in it or a signalling over one. */
function isDirectAddress(address: Multiaddr): boolean {
  const kind = pathKind(address)
  return kind !== 'relayed' && kind !== 'webrtc' && address.getComponents().length > 1 && relayOf(address) == null
}
