import type { Connection, Logger, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { backoffMs, type LinkComponents, peerIdOf, relayOf } from '../link/index.ts'
import { probeRelay } from './relay-probe.ts'

/** Between attempts at one relay: it restarts within seconds, or is gone for longer. */
const BACKOFF = { firstMs: 500, maxMs: 30_000 } as const

/** Bound of one attempt: dial, handshake, reservation. */
const RESERVE_TIMEOUT_MS = 10_000

/** A relay that was not there when the node started is libp2p's business for this long. */
const FIRST_ATTEMPT_MS = 10_000

/** Relays are asked this often whether they are still there: about 10 B/s each, and NATs keep the way open. */
const PROBE_INTERVAL_MS = 30_000
const PROBE_ANSWER_MS = 5_000

/** After a network change an answer that takes longer than this is none. */
const URGENT_ANSWER_MS = 3_000

/** The part of the stock circuit relay transport that reserves. */
interface ReservationStore {
  hasReservation(relay: PeerId): boolean
  addRelay(relay: PeerId, type: 'configured'): Promise<unknown>
}

/** One relay this node listens on. */
interface Kept {
  /** `<relay>/p2p-circuit` */
  readonly listen: Multiaddr
  readonly relay: Multiaddr
  readonly peer: PeerId
  /** Its listener has had addresses; stock ones come to life again with a reservation. */
  served: boolean
  failures: number
  attempt: Promise<void> | undefined
  timer: ReturnType<typeof setTimeout> | undefined
}

/**
 * Keeps a reservation at each relay this node listens on. Stock libp2p makes one when it starts, refreshes it, and gives
 * up for good when the relay restarts or the connection is lost (libp2p/js-libp2p#3601).
 */
export class Reservations {
  readonly #components: LinkComponents
  readonly #log: Logger
  #kept: Kept[] = []
  #store: ReservationStore | undefined
  #prober: ReturnType<typeof setInterval> | undefined
  #ending = new AbortController()
  #suspended = false

  constructor(components: LinkComponents, log: Logger) {
    this.#components = components
    this.#log = log
  }

  start(): void {
    const { addressManager, transportManager, events } = this.#components
    this.#store = transportManager.getTransports().flatMap((transport) => reservationStore(transport) ?? [])[0]
    if (this.#store == null) return
    this.#ending = new AbortController()
    this.#kept = addressManager.getListenAddrs().flatMap((listen) => {
      const relay = relayOf(listen)
      const id = relay == null ? undefined : peerIdOf(relay)
      if (relay == null || id == null) return []
      const peer = peerIdFromString(id)
      return { listen, relay, peer, served: false, failures: 0, attempt: undefined, timer: undefined }
    })
    if (this.#kept.length === 0) return
    events.addEventListener('connection:open', this.#onConnectionOpen)
    events.addEventListener('connection:close', this.#onConnectionClose)
    this.#prober = setInterval(() => this.#probe(PROBE_ANSWER_MS), PROBE_INTERVAL_MS)
    for (const kept of this.#kept) {
      kept.served = this.#isReserved(kept)
      if (!kept.served) this.#retry(kept, FIRST_ATTEMPT_MS)
    }
  }

  stop(): void {
    this.#components.events.removeEventListener('connection:open', this.#onConnectionOpen)
    this.#components.events.removeEventListener('connection:close', this.#onConnectionClose)
    clearInterval(this.#prober)
    for (const { timer } of this.#kept) clearTimeout(timer)
    this.#kept = []
    this.#ending.abort(new Error('The node is stopping'))
  }

  /** Until `resume` nothing is dialled: the page that is about to be put aside must have no socket. */
  suspend(): void {
    this.#suspended = true
    for (const { timer } of this.#kept) clearTimeout(timer)
  }

  resume(): void {
    this.#suspended = false
    this.afresh()
  }

  /** The network is another, or we were away: what was lost is made again at once, what seems to be there is asked. */
  afresh(): void {
    this.#probe(URGENT_ANSWER_MS)
    for (const kept of this.#kept) {
      kept.failures = 0
      this.#check(kept)
    }
  }

  #isReserved({ peer }: Kept): boolean {
    return this.#store?.hasReservation(peer) === true
  }

  /** A link that looks for its peer has reached the relay before our backoff ended. */
  readonly #onConnectionOpen = ({ detail: { remotePeer } }: CustomEvent<Connection>): void => {
    const kept = this.#kept.find(({ peer }) => peer.equals(remotePeer))
    if (kept != null && kept.failures > 0) this.#check(kept)
  }

  readonly #onConnectionClose = ({ detail: { remotePeer } }: CustomEvent<Connection>): void => {
    const kept = this.#kept.find(({ peer }) => peer.equals(remotePeer))
    // The store hears of it at the same time: whoever comes first.
    if (kept != null) queueMicrotask(() => this.#check(kept))
  }

  #check(kept: Kept): void {
    if (this.#isReserved(kept)) {
      kept.served = true
      return
    }
    if (kept.attempt != null || this.#suspended || !this.#kept.includes(kept)) return
    clearTimeout(kept.timer)
    kept.attempt = this.#reserve(kept)
      .then(
        () => {
          kept.served = true
          kept.failures = 0
          this.#log('reserved at relay %p again', kept.peer)
        },
        (err) => {
          kept.failures++
          this.#log('no reservation at relay %p - %e', kept.peer, err)
          this.#retry(kept, backoffMs(kept.failures, BACKOFF, Math.random))
        }
      )
      .finally(() => {
        kept.attempt = undefined
      })
  }

  async #reserve({ relay, listen, peer, served }: Kept): Promise<void> {
    const { connectionManager, transportManager } = this.#components
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(RESERVE_TIMEOUT_MS)])
    // First, and by its address: a dial that fails within the store would turn the relay away for good.
    await connectionManager.openConnection(relay, { signal })
    signal.throwIfAborted()
    if (served) await this.#store?.addRelay(peer, 'configured')
    else await transportManager.listen([listen])
  }

  #retry(kept: Kept, delayMs: number): void {
    clearTimeout(kept.timer)
    if (this.#kept.includes(kept)) kept.timer = setTimeout(() => this.#check(kept), delayMs)
  }

  #probe(answerMs: number): void {
    for (const { peer } of this.#kept) {
      for (const connection of this.#components.connectionManager.getConnections(peer)) {
        probeRelay(connection, { signal: AbortSignal.timeout(answerMs) }).catch((err) => {
          if (connection.status !== 'open') return
          this.#log('relay %p does not answer: its connection is given up - %e', peer, err)
          connection.abort(err)
        })
      }
    }
  }
}

function reservationStore(transport: object): ReservationStore | undefined {
  const { reservationStore } = transport as { reservationStore?: ReservationStore }
  return typeof reservationStore?.addRelay === 'function' ? reservationStore : undefined
}
