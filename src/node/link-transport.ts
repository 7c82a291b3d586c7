import {
  type Connection,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Libp2pEvents,
  type Listener,
  type PeerId,
  type Transport,
  type TypedEventTarget,
  transportSymbol
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { IS_LINK_TRANSPORT } from '../link/index.ts'

/** What the transport needs of `links()`. */
export interface LinkDialing {
  /** Whether dials of this address should give a durable connection. */
  claims(address: Multiaddr): boolean
  dialConnection(address: Multiaddr, signal: AbortSignal): Promise<Connection>
}

/** Both factories are called by libp2p with the same components, in an order that is not ours: they meet here. */
const services = new WeakMap<object, LinkDialing>()

export function provideLinks(events: TypedEventTarget<Libp2pEvents>, links: LinkDialing): void {
  services.set(events, links)
}

export interface LinkTransportComponents {
  readonly peerId: PeerId
  readonly events: TypedEventTarget<Libp2pEvents>
}

/**
 * Put it before the stock transports and `node.dial(peerId)` gives the durable connection, relay first. It listens on
 * nothing, and leaves addresses of relays and of peers that don't speak the protocol to the transports behind it.
 */
export function linkTransport(): (components: LinkTransportComponents) => Transport {
  return (components) => new LinkTransport(components)
}

class LinkTransport implements Transport {
  readonly [transportSymbol] = true as const
  readonly [Symbol.toStringTag] = '@libp2p-holdfast/link-transport'
  readonly [IS_LINK_TRANSPORT] = true
  readonly #events: TypedEventTarget<Libp2pEvents>

  constructor({ events }: LinkTransportComponents) {
    this.#events = events
  }

  async dial(address: Multiaddr, { signal }: DialTransportOptions): Promise<Connection> {
    const links = services.get(this.#events)
    if (links == null) throw new Error('linkTransport() needs the links() service: add it to `services`')
    return links.dialConnection(address, signal)
  }

  createListener(_options: CreateListenerOptions): Listener {
    throw new Error('linkTransport() only dials: listen by the stock transports')
  }

  listenFilter(): Multiaddr[] {
    return []
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    const links = services.get(this.#events)
    return links == null ? [] : addresses.filter((address) => links.claims(address))
  }
}
