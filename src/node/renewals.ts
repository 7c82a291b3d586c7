import type { Multiaddr } from '@multiformats/multiaddr'
import { type Peer, peerIdOf } from '../link/index.ts'
import type { Reach } from './reach.ts'
import type { RelayTurns } from './relay-turns.ts'
import type { Relays } from './relays.ts'

export interface RenewalsInit {
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
    const { relays, reach, turns } = this.#init
    const id = peerIdOf(relay) ?? relay.toString()
    await turns.next(id, signal)
    try {
      await reach.openOver(peer, relay, signal)
    } catch (err) {
      if (signal.aborted || relays.towards(peer.id, []).every((other) => peerIdOf(other) === id)) throw err
      await reach.open(peer, undefined, signal, { avoidRelays: [id] })
    }
  }
}
