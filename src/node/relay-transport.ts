import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { Transport } from '@libp2p/interface'

/** As many as stock lets wait. */
const RESERVATIONS_AT_ONCE = 100

/**
 * The stock circuit relay transport. It forgets the reservations that wait in its queue when another one comes true (libp2p
 * 3.3): none may wait.
 */
export function relayTransport(): (components: never) => Transport {
  return circuitRelayTransport({ reservationConcurrency: RESERVATIONS_AT_ONCE }) as (components: never) => Transport
}
