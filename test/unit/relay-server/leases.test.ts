import type { CircuitRelayServerComponents, CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, Libp2pEvents, PeerId } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { superviseReservations } from '../../../relay-server/leases.ts'

const MINUTE = 60_000
const TTL_MS = 120 * MINUTE

/** The stock service's own store, which its protocol handler calls. */
interface StockStore {
  reservationStore: { reserve(peer: PeerId, addr: Multiaddr): { status: string } }
}

describe('reservations of the stock service', () => {
  const addr = multiaddr('/ip4/127.0.0.1/tcp/1/ws')
  let events: TypedEventEmitter<Libp2pEvents>
  let service: CircuitRelayService
  let alice: PeerId
  let bob: PeerId
  let unsupervise: () => void

  const reserve = (peer: PeerId): string =>
    (service as unknown as StockStore).reservationStore.reserve(peer, addr).status

  beforeEach(async () => {
    alice = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    bob = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    events = new TypedEventEmitter()
    service = circuitRelayServer({ reservations: { maxReservations: 1, reservationTtl: TTL_MS } })({
      logger: defaultLogger()
    } as unknown as CircuitRelayServerComponents)
    unsupervise = superviseReservations(events as unknown as Libp2p, service, TTL_MS)
  })

  afterEach(() => {
    unsupervise()
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('refreshed twice live as long as the last refresh says, and no longer', () => {
    expect(reserve(alice)).toBe('OK')
    const { signal } = service.reservations.get(alice)!

    for (const elapsed of [110 * MINUTE, 110 * MINUTE]) {
      vi.advanceTimersByTime(elapsed)
      expect(reserve(alice)).toBe('OK')
      expect(service.reservations.get(alice)!.expiry.getTime()).toBe(Date.now() + TTL_MS)
    }

    // past the end that the first refresh had set
    vi.advanceTimersByTime(TTL_MS - 1)
    expect(service.reservations.has(alice)).toBe(true)
    expect(signal.aborted).toBe(false)

    vi.advanceTimersByTime(1)
    expect(service.reservations.has(alice)).toBe(false)
    expect(signal.aborted, 'circuits listen to it').toBe(true)
  })

  it('end with the connection, so that the place is free', () => {
    reserve(alice)
    expect(reserve(bob)).toBe('RESERVATION_REFUSED')

    events.safeDispatchEvent('peer:disconnect', { detail: alice })
    expect(reserve(bob)).toBe('OK')
  })

  it('that ended early do not end the next one of the same peer', () => {
    reserve(alice)
    reserve(alice)
    vi.advanceTimersByTime(60 * MINUTE)
    events.safeDispatchEvent('peer:disconnect', { detail: alice })
    reserve(alice)

    vi.advanceTimersByTime(TTL_MS - 1)
    expect(service.reservations.has(alice)).toBe(true)
    vi.advanceTimersByTime(1)
    expect(service.reservations.has(alice)).toBe(false)
  })
})
