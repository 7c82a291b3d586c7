import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isMultiaddr, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { type LinkComponents, peerIdOf, relayOf } from '../link/index.ts'
import { InvalidOptionError } from './defaults.ts'
import { relayOrder } from './relay-order.ts'
import type { RelayWatcher } from './relay-patience.ts'

/** A relay that did not answer is tried last for this long, unless it is heard of before. */
const DOUBT_MS = 60_000
const MAX_DOUBTED = 1_024

/** Multiaddrs of relays as users write them. @throws {InvalidOptionError} naming the one that is wrong */
export function parseRelays(relays: ReadonlyArray<string | Multiaddr>): Multiaddr[] {
  return relays.map((relay) => {
    const address = parse(relay)
    const names = address.getComponents().map(({ name }) => name)
    if (names.includes('p2p-circuit')) {
      throw new InvalidOptionError(
        `Relay ${address} is a circuit: give the relay's own address, up to and including /p2p/<relay>`
      )
    }
    if (names.at(-1) !== 'p2p') {
      throw new InvalidOptionError(
        `Relay ${address} does not end in /p2p/<PeerId>: copy the whole line that the relay prints`
      )
    }
    assertPeerId(address)
    return address
  })
}

function assertPeerId(address: Multiaddr): void {
  try {
    peerIdFromString(peerIdOf(address) ?? '')
  } catch (err) {
    throw new InvalidOptionError(
      `Relay ${address} does not end in a PeerId: copy the whole line that the relay prints (${(err as Error).message})`,
      { cause: err }
    )
  }
}

function parse(relay: string | Multiaddr): Multiaddr {
  if (isMultiaddr(relay)) return relay
  try {
    return multiaddr(relay)
  } catch (err) {
    throw new InvalidOptionError(
      `Relay ${JSON.stringify(relay)} is not a multiaddr: it looks like /ip4/192.0.2.1/tcp/9090/ws/p2p/<PeerId> (${(err as Error).message})`,
      { cause: err }
    )
  }
}

/** All relays a peer may be behind: those it is known to use, ours by configuration, and those we listen on. One each. */
export class Relays {
  readonly #components: Pick<LinkComponents, 'addressManager' | 'connectionManager'>
  readonly configured: readonly Multiaddr[]
  /** Until when, by PeerId. */
  readonly #doubted = new Map<string, number>()

  constructor(
    components: Pick<LinkComponents, 'addressManager' | 'connectionManager'>,
    configured: readonly Multiaddr[]
  ) {
    this.#components = components
    this.configured = configured
  }

  /**
   * In the order to try them: connected ones first, which answer in one round trip, and among them those that the peer
   * itself likes best. Those in doubt come after all others, those to `avoid` last. `stored` are the addresses known of the
   * peer.
   */
  towards(peer: PeerId, stored: readonly Multiaddr[], avoid: readonly string[] = []): Multiaddr[] {
    const byId = new Map<string, Multiaddr>()
    // Our own addresses of a relay first: what others know of it may be of their network.
    for (const relay of [...this.#own(), ...circuits(stored)]) {
      const id = peerIdOf(relay)
      if (id != null && !byId.has(id)) byId.set(id, relay)
    }
    const connected = new Set(
      this.#components.connectionManager.getConnections().map((connection) => connection.remotePeer.toString())
    )
    const rank = (id: string): number => {
      if (avoid.includes(id)) return 3
      if (this.#isDoubted(id)) return 2
      return connected.has(id) ? 0 : 1
    }
    return relayOrder(peer.toString(), [...byId], ([id]) => id)
      .sort(([a], [b]) => rank(a) - rank(b))
      .map(([, relay]) => relay)
  }

  /** It answers: it is tried like any other. */
  trust(relay: string): void {
    this.#doubted.delete(relay)
  }

  /** It did not answer: it is tried last for a while. */
  doubt(relay: string): void {
    this.#doubted.delete(relay)
    this.#doubted.set(relay, Date.now() + DOUBT_MS)
    if (this.#doubted.size > MAX_DOUBTED) this.#doubted.delete(this.#doubted.keys().next().value!)
  }

  /** Connects where there is no connection yet: by this address alone, libp2p tries all it knows one after the other. */
  async connect(relay: Multiaddr, options: { readonly signal: AbortSignal }): Promise<void> {
    if (this.connections(relay).length > 0) return
    try {
      await this.#components.connectionManager.openConnection(relay, options)
    } catch (err) {
      if (!options.signal.aborted) this.doubt(peerIdOf(relay) ?? '')
      throw err
    }
  }

  watcher(relay: Multiaddr): RelayWatcher {
    const id = peerIdOf(relay) ?? ''
    return { trust: () => this.trust(id), doubt: () => this.doubt(id) }
  }

  /** Those there are to this relay now. */
  connections(relay: Multiaddr): Connection[] {
    const id = peerIdOf(relay)
    return id == null ? [] : this.#components.connectionManager.getConnections(peerIdFromString(id))
  }

  /** Whether this is a relay of ours: circuits are dialled over its connection, so it never gets a link. */
  includes(peer: PeerId): boolean {
    return this.#own().some((relay) => peerIdOf(relay) === peer.toString())
  }

  #isDoubted(relay: string): boolean {
    return (this.#doubted.get(relay) ?? 0) > Date.now()
  }

  #own(): Multiaddr[] {
    return [...this.configured, ...circuits(this.#components.addressManager.getAddresses())]
  }
}

function circuits(addresses: readonly Multiaddr[]): Multiaddr[] {
  return addresses.flatMap((address) => relayOf(address) ?? [])
}
