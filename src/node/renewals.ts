import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { type Dialer, type Peer, peerIdOf } from '../link/index.ts'
import { throughLivingRelay } from './relay-patience.ts'
import { RelayTurns } from './relay-turns.ts'
import type { Relays } from './relays.ts'

export interface RenewalsInit {
  readonly dialer: Dialer
  readonly relays: Relays
}

/** Replaces relayed paths whose relay's limits come near. */
export class Renewals {
  readonly #init: RenewalsInit
  readonly #turns = new RelayTurns()

  constructor(init: RenewalsInit) {
    this.#init = init
  }

  /** Another path over the same relay, which is known to work for both sides. */
  async open(peer: Peer, relay: Multiaddr, signal: AbortSignal): Promise<void> {
    await this.#turns.next(peerIdOf(relay) ?? relay.toString(), signal)
    const carrier = await this.#dial(peer.id, relay, signal)
    try {
      signal.throwIfAborted()
      await peer.openPath(carrier, { signal })
    } catch (err) {
      carrier.abort(err as Error)
      throw err
    }
  }

  #dial(peer: PeerId, relay: Multiaddr, signal: AbortSignal) {
    const { dialer, relays } = this.#init
    return throughLivingRelay(
      () => relays.connections(relay),
      () => dialer.dialRelayed(peer, relay, { signal })
    )
  }
}
