import { isIP, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { CODE_IP4, CODE_IP6, CODE_P2P, CODE_P2P_CIRCUIT, multiaddr } from '@multiformats/multiaddr'
import { RelayError } from './errors.ts'
import { defaultIdentityPath } from './identity.ts'

/** What the person who runs the relay may set; numbers may come as strings, from a command line or an environment. */
export interface RelayOptions {
  /**
   * IP addresses to listen on. Loopback by default: an open relay carries anybody's traffic, so offering it to others
   * is a decision. `0.0.0.0` is every IPv4 address, `::` every IPv6 one.
   *
   * @default ['127.0.0.1']
   */
  hosts?: string[]

  /**
   * TCP port of the WebSocket listener, 0 for any.
   *
   * @default 9090
   */
  port?: number | string

  /**
   * UDP port that answers STUN, 0 for any, `false` for none.
   *
   * @default 3478 (RFC 8489 section 18.6)
   */
  stunPort?: number | string | false

  /**
   * IP addresses that answer STUN, when they are not `hosts`: behind a TLS proxy on the same machine the WebSocket stays
   * on loopback, but no proxy carries STUN.
   *
   * @default hosts
   */
  stunHosts?: string[]

  /**
   * Multiaddrs to tell clients instead of those listened on, e.g. `/dns4/relay.example/tcp/443/tls/ws` behind a TLS
   * proxy.
   *
   * @default []
   */
  announce?: string[]

  /**
   * File of the private key, see {@link defaultIdentityPath}.
   */
  identityPath?: string

  /**
   * Clients that may listen through this relay at once. Each costs about 250 KiB of memory, connection included; twice
   * as many connections are accepted, because those who only dial hold no reservation.
   *
   * @default 1024, i.e. about 512 MiB at worst (stock: 15)
   */
  maxReservations?: number | string

  /**
   * Bytes one circuit may carry, both directions and all overhead together, 0 for no limit. Raising it costs nothing but
   * bandwidth; a circuit's memory is bounded by flow control.
   *
   * @default 1073741824, 1 GiB (stock: 128 KiB, made for signalling only)
   */
  limitBytes?: number | string

  /**
   * Seconds one circuit may last, 0 for no limit.
   *
   * @default 3600, 1 h (stock: 2 min)
   */
  limitSeconds?: number | string
}

/** {@link RelayOptions}, checked and complete. */
export interface RelayConfig {
  hosts: string[]
  port: number
  /** `undefined` for no STUN. */
  stunPort: number | undefined
  stunHosts: string[]
  announce: Multiaddr[]
  identityPath: string
  maxReservations: number
  /** 0 for no limit. */
  limitBytes: number
  /** 0 for no limit. */
  limitSeconds: number
}

export const DEFAULTS = {
  hosts: ['127.0.0.1'],
  port: 9090,
  stunPort: 3478,
  maxReservations: 1024,
  limitBytes: 2 ** 30,
  limitSeconds: 60 * 60
}

/** A timer of more than 2^31 - 1 ms fires at once, so no circuit can be given longer: 24.8 days. */
export const MAX_LIMIT_SECONDS = Math.floor((2 ** 31 - 1) / 1000)

/**
 * Fills in defaults and refuses what cannot work.
 *
 * @throws {RelayError} INVALID_OPTION, INVALID_ANNOUNCE
 */
export function parseConfig(options: RelayOptions = {}): RelayConfig {
  const hosts = ipAddresses('--host', options.hosts ?? DEFAULTS.hosts)

  return {
    hosts,
    port: integer('--port', options.port ?? DEFAULTS.port, 0, 65_535),
    stunPort:
      options.stunPort === false ? undefined : integer('--stun-port', options.stunPort ?? DEFAULTS.stunPort, 0, 65_535),
    stunHosts: options.stunHosts == null ? hosts : ipAddresses('--stun-host', options.stunHosts),
    announce: (options.announce ?? []).map(announced),
    identityPath: resolve(options.identityPath ?? defaultIdentityPath()),
    maxReservations: integer('--max-reservations', options.maxReservations ?? DEFAULTS.maxReservations, 1, 1_000_000),
    limitBytes: integer('--limit-bytes', options.limitBytes ?? DEFAULTS.limitBytes, 0, Number.MAX_SAFE_INTEGER),
    limitSeconds: integer('--limit-seconds', options.limitSeconds ?? DEFAULTS.limitSeconds, 0, MAX_LIMIT_SECONDS)
  }
}

/** The multiaddrs to listen on. */
export function listenAddresses({ hosts, port }: RelayConfig): string[] {
  return hosts.map((host) => `/${isIPv6(host) ? 'ip6' : 'ip4'}/${host}/tcp/${port}/ws`)
}

/**
 * The announced addresses without a trailing PeerId, which libp2p adds.
 *
 * @throws {RelayError} WRONG_PEER_ID, when one of them names another peer
 */
export function announceAddresses({ announce, identityPath }: RelayConfig, peerId: string): string[] {
  return announce.map((ma) => {
    const named = ma.getComponents().find(({ code }) => code === CODE_P2P)?.value

    if (named == null) {
      return ma.toString()
    }

    if (named !== peerId) {
      throw new RelayError(
        'WRONG_PEER_ID',
        `--announce ${ma} names peer ${named}, but this relay is ${peerId}: no client could connect`,
        `Leave out /p2p/${named} (it is added for you), or give the file with that peer's key with --identity (now ${identityPath}).`
      )
    }

    return ma.decapsulate(`/p2p/${named}`).toString()
  })
}

function integer(option: string, value: number | string, min: number, max: number): number {
  const number = typeof value === 'string' && !/^\d+$/.test(value) ? Number.NaN : Number(value)

  if (!Number.isInteger(number) || number < min || number > max) {
    throw new RelayError(
      'INVALID_OPTION',
      `${option} '${value}' is not usable`,
      `Give ${option} a whole number from ${min} to ${max}, without a unit.`
    )
  }

  return number
}

function ipAddresses(option: string, values: string[]): string[] {
  return [...new Set(values.map((value) => ipAddress(option, value)))]
}

function ipAddress(option: string, value: string): string {
  const address = value === 'localhost' ? '127.0.0.1' : value

  if (isIP(address) === 0 || address.includes('%')) {
    throw new RelayError(
      'INVALID_OPTION',
      `${option} '${value}' is not an IP address`,
      `Give ${option} an address of this machine (0.0.0.0 for all); names that clients should use go into --announce.`
    )
  }

  return address
}

function announced(value: string): Multiaddr {
  let ma: Multiaddr

  try {
    ma = multiaddr(value)
    // multiaddr takes any base58 for a PeerId
    for (const { code, value } of ma.getComponents()) {
      if (code === CODE_P2P) {
        peerIdFromString(value!)
      }
    }
  } catch (err) {
    throw invalidAnnounce(value, (err as Error).message, err)
  }

  const components = ma.getComponents()

  if (components.some(({ code }) => code === CODE_P2P_CIRCUIT)) {
    throw invalidAnnounce(value, 'it leads through another relay')
  }

  if (!components.some(({ name }) => name === 'ws' || name === 'wss')) {
    throw invalidAnnounce(value, 'this relay speaks WebSocket, and the address has no /ws')
  }

  if (
    components.some(
      ({ code, value }) => (code === CODE_IP4 && value === '0.0.0.0') || (code === CODE_IP6 && value === '::')
    )
  ) {
    throw invalidAnnounce(value, 'nobody can connect to the wildcard address')
  }

  return ma
}

function invalidAnnounce(value: string, reason: string, cause?: unknown): RelayError {
  return new RelayError(
    'INVALID_ANNOUNCE',
    `--announce '${value}' is not usable: ${reason}`,
    'Give an address that clients can dial, like /dns4/relay.example/tcp/443/tls/ws or /ip4/203.0.113.7/tcp/9090/ws.',
    { cause }
  )
}
