import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { Connection, Logger, PeerId, Stream, Transport, Upgrader } from '@libp2p/interface'
import { webRTC } from '@libp2p/webrtc'
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { Circuit } from '@multiformats/multiaddr-matcher'
import type { LinksInit } from './api.ts'
import type { LinkComponents } from './components.ts'
import { upgraderWithDeliveredCloses } from './delivered-closes.ts'
import { LinkRefusedError } from './errors.ts'
import { override } from './override.ts'

/**
 * Circuits over one connection to a relay, as far as libp2p counts them (by default: 64): what yamux takes. `maxLinks`
 * bounds links, and so these.
 */
const MAX_CIRCUITS_PER_RELAY = 1_000

interface DialOptions {
  readonly signal: AbortSignal
}

/**
 * Dials carriers by private instances of the stock transports: no dial queue, no `getConnections()[0]`, and the result is
 * marked before anybody hears of it, so that stock code leaves it alone.
 */
export class Dialer {
  readonly #components: LinkComponents
  readonly #rtcConfiguration: LinksInit['rtcConfiguration']
  readonly #upgrader: Upgrader
  readonly #circuit: Transport
  readonly #log: Logger

  constructor(components: LinkComponents, rtcConfiguration: LinksInit['rtcConfiguration'], log: Logger) {
    this.#components = components
    this.#rtcConfiguration = rtcConfiguration
    this.#log = log
    this.#upgrader = marking(components.upgrader)
    this.#circuit = circuitRelayTransport()(
      override(components, { upgrader: this.#upgrader, metrics: undefined })
    ) as Transport
  }

  /** A circuit through this relay. */
  async dialRelayed(peer: PeerId, relay: Multiaddr, options: DialOptions): Promise<Connection> {
    const address = relayedAddress(relay, peer)
    await this.#gate(peer, address)
    // Stock hands its options on to the stream that asks the relay.
    const stream = { maxOutboundStreams: MAX_CIRCUITS_PER_RELAY }
    return whileDialling(options, (signal) =>
      this.#circuit.dial(address, { ...stream, signal, upgrader: this.#upgrader })
    )
  }

  /** Whether this node has a transport of its own for a direct address. */
  canDial(address: Multiaddr): boolean {
    return this.#transportFor(address) != null
  }

  #transportFor(address: Multiaddr): Transport | undefined {
    return this.#components.transportManager
      .getTransports()
      .find((candidate) => !(IS_LINK_TRANSPORT in candidate) && candidate.dialFilter([address]).length > 0)
  }

  /** A direct address, by the node's own transport for it. */
  async dialDirect(peer: PeerId, address: Multiaddr, options: DialOptions): Promise<Connection> {
    await this.#gate(peer, address)
    const transport = this.#transportFor(address)
    if (transport == null) throw new LinkRefusedError(`No transport of this node dials ${address}`)
    return whileDialling(options, (signal) => transport.dial(address, { signal, upgrader: this.#upgrader }))
  }

  /** WebRTC, signalled over exactly this carrier. */
  dialWebRTC(peer: PeerId, via: Connection, options: DialOptions): Promise<Connection> {
    return this.#dialWebRTC(peer, via, this.#upgrader, options)
  }

  /** The same for a peer without a link: the result is an ordinary connection. */
  dialWebRTCUnmarked(peer: PeerId, via: Connection, options: DialOptions): Promise<Connection> {
    return this.#dialWebRTC(peer, via, this.#components.upgrader, options)
  }

  async #dialWebRTC(peer: PeerId, via: Connection, ordinary: Upgrader, options: DialOptions): Promise<Connection> {
    const upgrader = upgraderWithDeliveredCloses(ordinary)
    const address = webRTCAddress(via.remoteAddr, peer)
    await this.#gate(peer, address)
    const signalling = override(via, {
      newStream: async (...args: Parameters<Connection['newStream']>) => answerFirst(await via.newStream(...args))
    })
    const connectionManager = override(this.#components.connectionManager, { getConnections: () => [signalling] })
    const shim = override(this.#components, { connectionManager, upgrader, metrics: undefined })
    // A transport of its own for each attempt: it is asked which connection to signal over only by its components.
    const transport = webRTC({ rtcConfiguration: this.#rtcConfiguration ?? { iceServers: [] } })(shim) as Transport
    this.#log('looking for a direct path to %p over %a', peer, via.remoteAddr)
    return whileDialling(options, (signal) => transport.dial(address, { signal, upgrader }))
  }

  /** Private dials don't pass libp2p's dial queue, which asks the gater: so we ask. */
  async #gate(peer: PeerId, address: Multiaddr): Promise<void> {
    const { connectionGater } = this.#components
    if ((await connectionGater.denyDialPeer?.(peer)) === true)
      throw new LinkRefusedError('The connection gater denies this peer')
    if ((await connectionGater.denyDialMultiaddr?.(address)) === true) {
      throw new LinkRefusedError(
        `The connection gater denies ${address}: browsers' default denies private addresses, set connectionGater.denyDialMultiaddr`
      )
    }
  }
}

/** Our own transport in front of the stock ones carries this, so that direct dials go past it. */
export const IS_LINK_TRANSPORT = Symbol.for('@libp2p-holdfast/link-transport')

/** `<relay>/p2p-circuit/p2p/<peer>` */
export function relayedAddress(relay: Multiaddr, peer: PeerId): Multiaddr {
  return relay.encapsulate(`/p2p-circuit/p2p/${peer}`)
}

/** `<relay>/p2p-circuit/webrtc/p2p/<peer>`: circuits as the listening side names them end in the peer's id as well. */
function webRTCAddress(via: Multiaddr, peer: PeerId): Multiaddr {
  const relay = relayOf(via)
  return (relay ?? multiaddr(`/p2p/${peer}`)).encapsulate(`/p2p-circuit/webrtc/p2p/${peer}`)
}

/** The relay's own address within a circuit address. */
export function relayOf(circuit: Multiaddr): Multiaddr | undefined {
  return Circuit.matches(circuit) ? circuit.decapsulate('/p2p-circuit') : undefined
}

export function peerIdOf(address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ code }) => code === CODE_P2P)?.value
}

/** Connections come out with `limits`, unless the relay set some anyway: `{}` means limited by nothing we must count. */
function marking(upgrader: Upgrader): Upgrader {
  return override(upgrader, {
    upgradeOutbound: (
      maConn: Parameters<Upgrader['upgradeOutbound']>[0],
      options: Parameters<Upgrader['upgradeOutbound']>[1]
    ) => upgrader.upgradeOutbound(maConn, { ...options, limits: options.limits ?? {} })
  })
}

/** With a signal that ends with the dial: stock TCP destroys its socket whenever that is aborted, years later too. */
async function whileDialling<T>({ signal }: DialOptions, dial: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(signal.reason)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  try {
    return await dial(controller.signal)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Offer, answer, and only then our candidates. Who answers starts to connect with the first candidate it gets; before we
 * have its answer its DTLS hello is dropped (and repeated a second later), or ends the attempt, as libdatachannel does.
 */
function answerFirst(stream: Stream): Stream {
  const send = stream.send.bind(stream)
  const held: Array<Parameters<Stream['send']>[0]> = []
  let status: 'offering' | 'offered' | 'answered' = 'offering'
  stream.send = (data) => {
    if (status === 'offered') {
      held.push(data)
      return true
    }
    if (status === 'offering') status = 'offered'
    return send(data)
  }
  const onAnswer = (): void => {
    status = 'answered'
    if (stream.status === 'open') for (const data of held.splice(0)) send(data)
  }
  stream.addEventListener('message', onAnswer, { once: true })
  return stream
}
