import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { type Dialer, type Peer, peerIdOf } from '../link/index.ts'
import type { Reach } from './reach.ts'
import { throughLivingRelay } from './relay-patience.ts'
import type { RelayTurns } from './relay-turns.ts'
import type { Relays } from './relays.ts'

export interface RenewalsInit {
  readonly dialer: Dialer
  readonly relays: Relays
  readonly reach: Reach
  readonly turns: RelayTurns
}

/** Replaces relayed paths whose relay's limits come near. */
export class Renewals {
  readonly #init: RenewalsInit

  constructor(init: RenewalsInit) {
    this.#init = init
  }

  /** Another path over the same relay, which is known to work for both sides; where that refuses, over any other. */
  async open(peer: Peer, relay: Multiaddr, signal: AbortSignal): Promise<void> {
    const id = peerIdOf(relay) ?? relay.toString()
    await this.#init.turns.next(id, signal)
    try {
      await this.#openOver(peer, relay, signal)
    } catch (err) {
      const { relays, reach } = this.#init
      if (signal.aborted || relays.towards(peer.id, []).every((other) => peerIdOf(other) === id)) throw err
      await reach.open(peer, undefined, signal, { avoidRelays: [id] })
    }
  }

  async #openOver(peer: Peer, relay: Multiaddr, signal: AbortSignal): Promise<void> {
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
      () => dialer.dialRelayed(peer, relay, { signal }),
      relays.watcher(relay)
    )
  }
}
