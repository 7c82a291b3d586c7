import type { PeerId } from '@libp2p/interface'

interface StoreEvents {
  'relay:created-reservation': CustomEvent<{ relay: PeerId }>
  'relay:removed': CustomEvent<{ relay: PeerId }>
}

/** The part of the stock circuit relay transport that reserves. */
export interface ReservationStore {
  hasReservation(relay: PeerId): boolean
  addRelay(relay: PeerId, type: 'configured'): Promise<unknown>
  addEventListener<K extends keyof StoreEvents>(type: K, listener: (event: StoreEvents[K]) => void): void
  removeEventListener<K extends keyof StoreEvents>(type: K, listener: (event: StoreEvents[K]) => void): void
  /** Relays that once were not reached, or did not offer the protocol: stock never asks them again. */
  readonly relayFilter?: { remove(relay: Uint8Array): boolean }
}

export function reservationStore(transports: readonly object[]): ReservationStore | undefined {
  return transports
    .map((transport) => (transport as { reservationStore?: ReservationStore }).reservationStore)
    .find((store) => typeof store?.addRelay === 'function')
}
