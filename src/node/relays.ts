import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isMultiaddr, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { type LinkComponents, peerIdOf, relayOf } from '../link/index.ts'
import { InvalidOptionError } from './defaults.ts'

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
  readonly #configured: readonly Multiaddr[]

  constructor(
    components: Pick<LinkComponents, 'addressManager' | 'connectionManager'>,
    configured: readonly Multiaddr[]
  ) {
    this.#components = components
    this.#configured = configured
  }

  /**
   * Connected ones first: they answer in one round trip; those to `avoid` last. `stored` are the addresses known of the
   * peer.
   */
  towards(stored: readonly Multiaddr[], avoid: readonly string[] = []): Multiaddr[] {
    const byId = new Map<string, Multiaddr>()
    for (const relay of [...circuits(stored), ...this.#own()]) {
      const id = peerIdOf(relay)
      if (id != null && !byId.has(id)) byId.set(id, relay)
    }
    const connected = new Set(
      this.#components.connectionManager.getConnections().map((connection) => connection.remotePeer.toString())
    )
    const rank = (id: string): number => (avoid.includes(id) ? 2 : connected.has(id) ? 0 : 1)
    return [...byId].sort(([a], [b]) => rank(a) - rank(b)).map(([, relay]) => relay)
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

  #own(): Multiaddr[] {
    return [...this.#configured, ...circuits(this.#components.addressManager.getAddresses())]
  }
}

function circuits(addresses: readonly Multiaddr[]): Multiaddr[] {
  return addresses.flatMap((address) => relayOf(address) ?? [])
}
