import { setMaxListeners } from 'node:events'
import type { CircuitRelayService, RelayReservation } from '@libp2p/circuit-relay-v2'
import type { Libp2p, PeerId } from '@libp2p/interface'

/**
 * Makes reservations of the stock relay service end when they should.
 *
 * - The stock signal (retimeable-signal 1.0) cannot be re-timed twice: `reset` leaves the timer of the reset before it
 *   running. A client that refreshed twice therefore loses its reservation, and every circuit with it, when the first
 *   refresh would have expired: 3 h 50 min after it came, at the stock lifetime of 2 h.
 * - A client that is gone keeps its place for the whole lifetime, and a relay with short-lived clients fills up
 *   (libp2p/js-libp2p#2833). The specification says: if the peer disconnects, the reservation is no longer valid
 *   (circuit-v2, section "Reservation").
 *
 * Returns what takes the listener away and stops all timers.
 */
export function superviseReservations(node: Libp2p, { reservations }: CircuitRelayService, ttlMs: number): () => void {
  const set = reservations.set.bind(reservations)

  // the service stores a reservation each time it is made or refreshed
  reservations.set = (peer: PeerId, reservation: RelayReservation) => {
    if (reservations.get(peer) === reservation) {
      reservation.expiry = new Date(Date.now() + ttlMs)
    } else {
      // not yet reset, so `clear` still works on it
      reservation.signal.clear()
      reservation.signal = leaseSignal(ttlMs)
      reservation.signal.addEventListener('abort', () => reservations.delete(peer), { once: true })
    }

    set(peer, reservation)
  }

  const onDisconnect = ({ detail: peer }: CustomEvent<PeerId>): void => {
    reservations.get(peer)?.signal.clear()
    reservations.delete(peer)
  }

  node.addEventListener('peer:disconnect', onDisconnect)

  return () => {
    node.removeEventListener('peer:disconnect', onDisconnect)
    for (const { signal } of reservations.values()) {
      signal.clear()
    }
  }
}

/** A signal that aborts `ttlMs` after it was made or last reset; the timer does not keep the process alive. */
export function leaseSignal(ttlMs: number): RelayReservation['signal'] {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined

  const reset = (ms: number = ttlMs): void => {
    clearTimeout(timer)
    timer = setTimeout(() => controller.abort(new Error('The relay reservation expired')), ms)
    timer.unref()
  }

  reset()
  // every circuit to the peer listens
  setMaxListeners(0, controller.signal)

  return Object.assign(controller.signal, { reset, clear: () => clearTimeout(timer) })
}
