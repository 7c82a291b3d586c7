import { isIPv6 } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type {
  CircuitRelayServerComponents,
  CircuitRelayService,
  ServerReservationStoreInit
} from '@libp2p/circuit-relay-v2'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import { ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { RelayConfig } from './config.ts'
import { announceAddresses, listenAddresses, MAX_LIMIT_SECONDS } from './config.ts'
import { RelayError } from './errors.ts'
import { loadIdentity } from './identity.ts'
import { superviseReservations } from './leases.ts'
import { newestFirst } from './newest-first.ts'
import type { StunServer } from './stun-server.ts'
import { startStunServer } from './stun-server.ts'
import { hardenedWebSockets } from './websockets.ts'

/** A running relay. */
export interface Relay {
  node: Libp2p<{ relay: CircuitRelayService }>
  peerId: string
  /** Addresses that clients dial, PeerId included; `<address>/p2p-circuit` is what they listen on. */
  multiaddrs: string[]
  /** `undefined` when switched off. `urls` fit into `RTCConfiguration.iceServers` (RFC 7064). */
  stun: { port: number; urls: string[] } | undefined
  /** Ends every connection and frees every port; nothing keeps the process alive afterwards. May be called again. */
  stop(): Promise<void>
}

/**
 * How long a reservation lives unless it is refreshed. The specification's example and the stock value; clients refresh
 * in time. Under 30 s is broken in stock clients.
 */
const RESERVATION_TTL_MS = 2 * 60 * 60 * 1000

/**
 * Circuits that one client may have dialled at once over its connection to the relay (libp2p: 32). Each is two yamux
 * streams here, up to 256 KiB of receive window each.
 */
const MAX_CIRCUITS_PER_DIALER = 256

/** Circuits that may end at one client (stock: 300); yamux allows 1,000 streams per connection, others need some. */
const MAX_CIRCUITS_PER_LISTENER = 900

/**
 * Connections per second and per address (libp2p: 5). Everybody behind one NAT or one TLS proxy has the same address,
 * and after a restart all clients come back at once. Half of what one CPU can shake hands with (5.4 ms each).
 */
const MAX_CONNECTIONS_PER_SECOND = 100

/** Handshakes going on at once (libp2p: 10), for the same reason. */
const MAX_PENDING_CONNECTIONS = 100

/** Bounds how long `stop` waits for the peers of open connections, well under the 2 s promised on SIGTERM. */
const CONNECTION_CLOSE_TIMEOUT_MS = 500

/**
 * A client that vanished without good-bye is noticed after about a minute and a half, and its reservation ends. libp2p's 10 s
 * interval with a timeout of 5 s cuts phones whose radio sleeps, and costs an idle client traffic.
 */
const MONITOR = { pingInterval: 60_000, pingTimeout: { minTimeout: 30_000 } }

/**
 * Starts a relay: WebSocket listener, circuit-relay-v2 service and STUN responder in one process.
 *
 * It never dials anybody. Clients of other implementations and stock js-libp2p ones work unchanged.
 *
 * @throws {RelayError} whatever the person who runs it can put right: a port in use, an unusable identity file, …
 */
export async function createRelay(config: RelayConfig, onError: (err: Error) => void = console.error): Promise<Relay> {
  const privateKey = await loadIdentity(config.identityPath)
  const peerId = privateKey.publicKey.toString()
  const announce = announceAddresses(config, peerId)
  let internals: { addressManager: AddressManager; transportManager: TransportManager } | undefined

  const node = await createLibp2p({
    start: false,
    privateKey,
    addresses: { listen: listenAddresses(config), announce },
    transports: [hardenedWebSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialPeer: () => true, denyDialMultiaddr: () => true },
    connectionMonitor: MONITOR,
    connectionManager: {
      maxConnections: config.maxReservations * 2,
      inboundConnectionThreshold: MAX_CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: MAX_PENDING_CONNECTIONS,
      connectionCloseTimeout: CONNECTION_CLOSE_TIMEOUT_MS
    },
    services: {
      identify: identify(),
      ping: ping(),
      relay: (components: CircuitRelayServerComponents) =>
        circuitRelayServer({
          maxInboundHopStreams: MAX_CIRCUITS_PER_DIALER,
          maxOutboundStopStreams: MAX_CIRCUITS_PER_LISTENER,
          reservations: {
            maxReservations: config.maxReservations,
            reservationTtl: RESERVATION_TTL_MS,
            ...limits(config)
          }
        })(newestFirst(components)),
      internals: (components) => {
        internals = components
        return {}
      }
    }
  })

  const { addressManager, transportManager } = internals!
  const endLeases = superviseReservations(node, node.services.relay, RESERVATION_TTL_MS)
  let stunServer: StunServer | undefined

  const stop = async (): Promise<void> => {
    endLeases()
    await Promise.all([stunServer?.close(), node.stop()])
  }

  try {
    await listen(node, transportManager, config)

    if (config.stunPort != null) {
      stunServer = await startStunServer({ hosts: config.stunHosts, port: config.stunPort, onError })
    }
  } catch (err) {
    await stop()
    throw err
  }

  vouchForPublicAddresses(addressManager, transportManager)

  return {
    node,
    peerId,
    multiaddrs: node.getMultiaddrs().map(String),
    stun: stunServer && { port: stunServer.port, urls: stunUrls(node.getMultiaddrs(), stunServer) },
    stop: once(stop)
  }
}

/**
 * Limits as the stock service wants them. Mind the unit on the wire: this server sends `Limit.duration` in
 * milliseconds where the specification says seconds (circuit-v2, `message Limit`), so that stock js clients read
 * 3,600,000 s for an hour. That is left as it is: they behave as they do with every other js relay (the relay, not the
 * client, ends the circuit), and Holdfast takes advertised seconds of 1,000 and more for milliseconds.
 *
 * The service can switch limits off only together. With one of them off, that one is the largest the other side can
 * read: 2^53 - 1 bytes, or 24.8 days.
 */
export function limits({
  limitBytes,
  limitSeconds
}: Pick<RelayConfig, 'limitBytes' | 'limitSeconds'>): ServerReservationStoreInit {
  return {
    applyDefaultLimit: limitBytes > 0 || limitSeconds > 0,
    defaultDataLimit: BigInt(limitBytes || Number.MAX_SAFE_INTEGER),
    defaultDurationLimit: (limitSeconds || MAX_LIMIT_SECONDS) * 1000
  }
}

async function listen(node: Libp2p, transportManager: TransportManager, { hosts, port }: RelayConfig): Promise<void> {
  try {
    await node.start()
  } catch (err) {
    const { message } = err as Error

    if (message.includes('EADDRINUSE')) {
      throw portInUse(port, err)
    }

    throw new RelayError(
      'LISTEN_FAILED',
      `Cannot listen on ${hosts.join(', ')}, TCP port ${port}: ${/E[A-Z]{4,}[^\n]*/.exec(message)?.[0] ?? message}`,
      message.includes('EACCES')
        ? 'Choose a port of 1024 or more with --port.'
        : 'Give --host an address of this machine (0.0.0.0 for all), and a free port with --port.',
      { cause: err }
    )
  }

  // libp2p takes "all of IPv4 worked, all of IPv6 failed" for a machine without IPv6 and says nothing, whatever failed
  const silent = transportManager.getListeners().some((listener) => listener.getAddrs().length === 0)

  if (silent) {
    const failed = hosts.filter(isIPv6).join(', ')
    throw new RelayError(
      'LISTEN_FAILED',
      `Cannot listen on ${failed}, TCP port ${port}: it is in use, or this machine has no such address`,
      `Leave out --host ${failed}, or choose another port with --port (0 for any).`
    )
  }
}

function portInUse(port: number, cause: unknown): RelayError {
  return new RelayError(
    'LISTEN_FAILED',
    `TCP port ${port} is in use, perhaps by another relay`,
    'Stop the other program, or choose another port with --port (0 for any).',
    { cause }
  )
}

/**
 * libp2p keeps a public address to itself until some other peer has verified it (autonat), and a reservation would then
 * carry no address at all. Whoever runs a relay on a public address means it to be used: nothing has to be verified.
 */
export function vouchForPublicAddresses(
  addressManager: Pick<AddressManager, 'confirmObservedAddr'>,
  transportManager: Pick<TransportManager, 'getAddrs'>
): void {
  for (const ma of transportManager.getAddrs()) {
    addressManager.confirmObservedAddr(ma, { type: 'transport', ttl: Number.MAX_SAFE_INTEGER })
  }
}

/** One URL per host that clients know, as far as STUN listens in its family. */
function stunUrls(multiaddrs: Multiaddr[], { hosts, port }: StunServer): string[] {
  const families = new Set(hosts.map((host) => (isIPv6(host) ? 'ip6' : 'ip4')))
  const names = multiaddrs
    .map((ma) => ma.getComponents()[0]!)
    .filter(({ name }) => (name === 'ip4' || name === 'ip6' ? families.has(name) : name.startsWith('dns')))
    .map(({ name, value }) => (name === 'ip6' ? `[${value}]` : value))

  return [...new Set(names)].map((name) => `stun:${name}:${port}`)
}

function once(stop: () => Promise<void>): () => Promise<void> {
  let stopped: Promise<void> | undefined
  return () => (stopped ??= stop())
}
