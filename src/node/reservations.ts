import type { Connection, Logger, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import {
  type LinkComponents,
  peerIdOf,
  type ReservationDetail,
  type ReservationInfo,
  type ReservationLostDetail,
  relayOf
} from '../link/index.ts'
import { InvalidOptionError } from './defaults.ts'
import { relayOrder } from './relay-order.ts'
import { giveUpSilent } from './relay-probe.ts'
import { relayUnreachable } from './relay-unreachable.ts'
import type { Relays } from './relays.ts'
import { Reservation } from './reservation.ts'
import { type ReservationStore, reservationStore } from './reservation-store.ts'

/** Where libp2p itself reserves when the node starts, it has this long. */
const FIRST_ATTEMPT_MS = 10_000

/** Relays are asked this often whether they are still there: about 10 B/s each, and NATs keep the way open. */
const PROBE_INTERVAL_MS = 30_000
const PROBE_ANSWER_MS = 5_000

/** After a network change an answer that takes longer than this is none. */
const URGENT_ANSWER_MS = 3_000

/** A spare is given back when the relays before it have held for this long: one that restarts again and again does not count. */
const RELEASE_AFTER_MS = 60_000

export interface ReservationsInit {
  readonly components: LinkComponents
  readonly relays: Relays
  /** At how many of the configured relays. */
  readonly count: number
  readonly log: Logger
  onOpen(detail: ReservationDetail): void
  onLost(detail: ReservationLostDetail): void
}

/**
 * Keeps this node reachable: a reservation at each relay that it listens on, and at `count` of those configured. Stock
 * libp2p makes one when it starts, refreshes it, and gives up for good when the relay restarts or the connection is lost
 * (libp2p/js-libp2p#3601).
 */
export class Reservations {
  readonly #init: ReservationsInit
  /** Addresses the user listens on: libp2p makes the first reservation, we all others. */
  #listed: readonly Reservation[] = []
  /** The configured relays in the order of this node. */
  #candidates: readonly Reservation[] = []
  /** How many of the candidates. */
  #needed = 0
  #store: ReservationStore | undefined
  #prober: ReturnType<typeof setInterval> | undefined
  #first = awaited()

  constructor(init: ReservationsInit) {
    this.#init = init
  }

  get infos(): ReservationInfo[] {
    return this.#all.map(({ info }) => info)
  }

  /**
   * Resolves with the first reservation at a configured relay, at once where none is wanted.
   *
   * @throws {RelayUnreachableError} every one was tried, and none took this node in
   * @throws {InvalidOptionError} there is no circuit relay transport
   */
  async start(): Promise<void> {
    const { addressManager, transportManager, events, peerId } = this.#init.components
    const configured = this.#init.count === 0 ? [] : this.#init.relays.configured
    this.#store = reservationStore(transportManager.getTransports())
    if (this.#store == null) {
      if (configured.length === 0) return
      throw new InvalidOptionError('reservations are made by circuitRelayTransport(): add it to `transports`')
    }
    this.#first = awaited()
    this.#listed = this.#make(
      addressManager.getListenAddrs().flatMap((listen) => relayOf(listen) ?? []),
      this.#store
    )
    const candidates = this.#make(configured, this.#store)
    const isListed = ({ relay }: Reservation): boolean => this.#listed.some((listed) => listed.relay.equals(relay))
    this.#candidates = relayOrder(
      peerId.toString(),
      candidates.filter((candidate) => !isListed(candidate)),
      ({ relay }) => relay.toString()
    )
    this.#needed = Math.min(this.#candidates.length, Math.max(0, this.#init.count - candidates.filter(isListed).length))
    if (this.#all.length === 0) return
    events.addEventListener('connection:open', this.#onConnectionOpen)
    events.addEventListener('connection:close', this.#onConnectionClose)
    this.#store.addEventListener('relay:created-reservation', this.#onCreated)
    this.#store.addEventListener('relay:removed', this.#onRemoved)
    this.#prober = setInterval(() => {
      void this.#releaseSpares()
      this.#probe(PROBE_ANSWER_MS)
    }, PROBE_INTERVAL_MS)
    for (const listed of this.#listed) {
      listed.want(FIRST_ATTEMPT_MS)
      if (this.#store.hasReservation(listed.relay)) listed.onCreated()
    }
    this.#arrange()
    if (this.#needed > 0) await this.#first.promise
  }

  stop(): void {
    const { events } = this.#init.components
    events.removeEventListener('connection:open', this.#onConnectionOpen)
    events.removeEventListener('connection:close', this.#onConnectionClose)
    this.#store?.removeEventListener('relay:created-reservation', this.#onCreated)
    this.#store?.removeEventListener('relay:removed', this.#onRemoved)
    clearInterval(this.#prober)
    for (const reservation of this.#all) reservation.stop()
    this.#listed = []
    this.#candidates = []
    this.#needed = 0
    this.#first.reject(new Error('The node is stopping'))
  }

  /** Until `resume` nothing is dialled: the page that is about to be put aside must have no socket. */
  suspend(): void {
    for (const reservation of this.#all) reservation.suspend('the page was put aside')
  }

  resume(): void {
    this.afresh()
  }

  /** The network is another, or we were away: what was lost is made again at once, what seems to be there is asked. */
  afresh(): void {
    this.#probe(URGENT_ANSWER_MS)
    for (const reservation of this.#all) reservation.afresh()
    this.#arrange()
  }

  get #all(): Reservation[] {
    return [...this.#listed, ...this.#candidates]
  }

  #make(relays: readonly Multiaddr[], store: ReservationStore): Reservation[] {
    const { components, log } = this.#init
    const ids = new Set<string>()
    return relays.flatMap((address) => {
      const id = peerIdOf(address)
      if (id == null || ids.has(id)) return []
      ids.add(id)
      return new Reservation({
        components,
        store,
        address,
        relay: peerIdFromString(id),
        log,
        onOpen: (reservation) => this.#onOpen(reservation),
        onLost: (reservation, cause) => this.#onLost(reservation, cause),
        onDoubt: (reservation) => this.#onDoubt(reservation)
      })
    })
  }

  #of(relay: PeerId): Reservation | undefined {
    return this.#all.find((reservation) => reservation.relay.equals(relay))
  }

  /** The first ones for ever; of the others as many as it takes until enough are reserved, or may be in a moment. */
  #arrange(): void {
    let counted = 0
    for (const [place, candidate] of this.#candidates.entries()) {
      if (place < this.#needed || counted < this.#needed) candidate.want()
      else candidate.unwant()
      if (candidate.isReserved || candidate.isHopeful) counted++
    }
  }

  #onOpen(reservation: Reservation): void {
    const { relay, address } = reservation
    this.#init.relays.trust(relay.toString())
    if (this.#candidates.includes(reservation)) this.#first.resolve()
    this.#arrange()
    this.#init.onOpen({ relay, address })
  }

  #onLost({ relay, address }: Reservation, cause: string): void {
    this.#init.log('reservation at relay %p is lost: %s', relay, cause)
    this.#arrange()
    this.#init.onLost({ relay, address, cause })
  }

  #onDoubt({ relay }: Reservation): void {
    this.#init.relays.doubt(relay.toString())
    this.#arrange()
    const errors = this.#candidates.flatMap(({ error }) => error ?? [])
    if (errors.length < this.#candidates.length) return
    this.#first.reject(
      relayUnreachable(
        this.#candidates.map(({ address }) => address),
        errors
      )
    )
  }

  /** Relays before a spare are back: otherwise all nodes would be at all relays in the end. */
  async #releaseSpares(): Promise<void> {
    const now = Date.now()
    const first = this.#candidates.slice(0, this.#needed)
    if (!first.every(({ reservedSince }) => reservedSince != null && now - reservedSince >= RELEASE_AFTER_MS)) return
    for (const spare of this.#candidates.slice(this.#needed)) {
      const connections = this.#init.components.connectionManager.getConnections(spare.relay)
      // Circuits are streams on it, and the application may use it too.
      if (!spare.isReserved || connections.some(({ streams }) => streams.length > 0)) continue
      await spare.release('the relays that come first have this node again')
    }
  }

  #probe(answerMs: number): void {
    for (const reservation of this.#all) {
      for (const connection of this.#init.components.connectionManager.getConnections(reservation.relay)) {
        void giveUpSilent(connection, answerMs, this.#init.log, () => {
          reservation.expectLoss('the relay did not answer')
        })
      }
    }
  }

  readonly #onConnectionOpen = ({ detail: { remotePeer } }: CustomEvent<Connection>): void => {
    this.#of(remotePeer)?.onConnected()
  }

  readonly #onConnectionClose = ({ detail: { remotePeer } }: CustomEvent<Connection>): void => {
    this.#of(remotePeer)?.onDisconnected()
  }

  /** After libp2p's listeners have their addresses. */
  readonly #onCreated = ({ detail: { relay } }: CustomEvent<{ relay: PeerId }>): void => {
    queueMicrotask(() => this.#of(relay)?.onCreated())
  }

  readonly #onRemoved = ({ detail: { relay } }: CustomEvent<{ relay: PeerId }>): void => {
    this.#of(relay)?.onRemoved()
  }
}

/** Whoever does not wait for it needs not hear that it failed. */
function awaited(): PromiseWithResolvers<void> {
  const result = Promise.withResolvers<void>()
  result.promise.catch(() => {})
  return result
}
