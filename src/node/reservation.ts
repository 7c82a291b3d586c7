import type { Listener, Logger, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { raceSignal } from 'race-signal'
import { backoffMs, type LinkComponents, type ReservationInfo, type ReservationStatus } from '../link/index.ts'
import { giveUpSilent } from './relay-probe.ts'
import { reasonOf } from './relay-unreachable.ts'
import type { ReservationStore } from './reservation-store.ts'

/**
 * Bound of connecting. Where packets are dropped SYNs go out after 0, 1 and 3 s, and the next attempt follows at once: a
 * relay that is back is noticed within 2.5 s.
 */
const CONNECT_TIMEOUT_MS = 5_000

/** Bound of the reservation itself over an open connection; stock gives up then too. */
const ASK_TIMEOUT_MS = 5_000

/** A relay that does not answer within this is asked whether it is there. */
const ANSWER_MS = 3_000

/** Without an answer for this long a relay is no hope to count on: the next one is asked beside it. */
const HOPE_MS = 1_000

/** Between attempts at a relay that is gone: 0.5 to 2 s. Reserved again within 3 s of its return, whenever that is. */
const UNREACHABLE_PAUSE_MS = 500
const UNREACHABLE_BACKOFF = { firstMs: 500, maxMs: 1_500 } as const

/** Between attempts at a relay that is there and refuses, as a full one does. If it restarts, it is asked at once. */
const REFUSED_BACKOFF = { firstMs: 1_000, maxMs: 30_000 } as const

/** After an attempt that ended by its bound: enough that clients of one relay don't keep in step. */
const TIMED_OUT_PAUSE_MS = 500

export interface ReservationInit {
  readonly components: LinkComponents
  readonly store: ReservationStore
  /** The relay's own address, `/p2p/<relay>` included. */
  readonly address: Multiaddr
  readonly relay: PeerId
  readonly log: Logger
  onOpen(reservation: Reservation): void
  onLost(reservation: Reservation, cause: string): void
  /** An attempt failed, or takes long. */
  onDoubt(reservation: Reservation): void
}

class TimedOutError extends Error {
  static override name = 'TimedOutError'
  override name = 'TimedOutError'
}

/** @throws {TimedOutError} */
async function bounded<T>(
  timeoutMs: number,
  signal: AbortSignal,
  complaint: string,
  work: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const either = AbortSignal.any([signal, timeout])
  try {
    return await raceSignal(work(either), either)
  } catch (err) {
    if (!timeout.aborted) throw err
    throw new TimedOutError(`${complaint} within ${timeoutMs} ms`, { cause: err })
  }
}

/** Keeps a reservation at one relay, for ever, as long as it is wanted. */
export class Reservation {
  readonly relay: PeerId
  readonly address: Multiaddr
  readonly #init: ReservationInit
  #status: ReservationStatus = { status: 'idle' }
  #error: Error | undefined
  #wanted = false
  #suspended = false
  #failures = 0
  #attempt: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #hope: ReturnType<typeof setTimeout> | undefined
  /** Ours among libp2p's; one that failed to listen can be asked again. */
  #listener: Listener | undefined
  /** A listener of libp2p's has had addresses, and comes to life again with a reservation. */
  #served = false
  /** Why the reservation is about to be lost, if we know better than libp2p. */
  #lossCause: string | undefined

  constructor(init: ReservationInit) {
    this.#init = init
    this.relay = init.relay
    this.address = init.address
  }

  get info(): ReservationInfo {
    return { relay: this.relay, address: this.address, state: this.#status }
  }

  get isReserved(): boolean {
    return this.#status.status === 'reserved'
  }

  /** Its first attempt since it was lost has not failed, and is young. */
  get isHopeful(): boolean {
    return this.#hope != null
  }

  get isWanted(): boolean {
    return this.#wanted
  }

  /** Why the last attempt failed; undefined if none has since it was reserved. */
  get error(): Error | undefined {
    return this.#error
  }

  /** Ms since the Unix epoch; undefined while it is not reserved. */
  get reservedSince(): number | undefined {
    return this.#status.status === 'reserved' ? this.#status.since : undefined
  }

  /** From now on it is kept. `firstAttemptMs`: libp2p itself is about to reserve, and has this long. */
  want(firstAttemptMs = 0): void {
    if (this.#wanted) return
    this.#wanted = true
    if (firstAttemptMs === 0) this.#try()
    else {
      this.#status = { status: 'trying', attempt: 1 }
      this.#timer = setTimeout(() => this.#try(), firstAttemptMs)
    }
  }

  /** A reservation there is stays, one that is lost is not made again. */
  unwant(): void {
    this.#wanted = false
    this.#pause()
  }

  suspend(cause: string): void {
    this.#suspended = true
    this.#lossCause = cause
    this.#pause()
  }

  /** The network is another, or we were away: what is under way may wait for the one before. */
  afresh(): void {
    this.#suspended = false
    this.#failures = 0
    if (!this.#wanted || this.isReserved) return
    this.#pause()
    // Not in this task: libp2p would hand out the dial that was just given up.
    this.#timer = setTimeout(() => this.#try(), 0)
  }

  stop(): void {
    this.#wanted = false
    this.#pause()
  }

  /** Gives it back by closing the connection: there is no message for it. */
  async release(cause: string): Promise<void> {
    const { components, log } = this.#init
    this.#lossCause = cause
    // Or libp2p connects again at once.
    await components.peerStore.merge(this.relay, { tags: { 'keep-alive-circuit-relay': undefined } })
    for (const connection of components.connectionManager.getConnections(this.relay)) {
      log('reservation at relay %p is given back: %s', this.relay, cause)
      await connection.close().catch((err) => connection.abort(err))
    }
  }

  /** The connection is about to be given up. */
  expectLoss(cause: string): void {
    this.#lossCause = cause
  }

  /** A link that looks for its peer has reached the relay before our backoff ended. */
  onConnected(): void {
    if (this.#status.status === 'backoff') this.#try()
  }

  /** A relay that refused may restart now, and be empty. */
  onDisconnected(): void {
    if (this.#status.status !== 'backoff') return
    const delayMs = UNREACHABLE_PAUSE_MS + Math.random() * UNREACHABLE_PAUSE_MS
    if (this.#status.retryAt > Date.now() + delayMs) this.#backOff(delayMs, this.#status.cause)
  }

  /** libp2p has a reservation, whoever asked for it. */
  onCreated(): void {
    if (this.#attempt == null) this.#onReserved()
  }

  onRemoved(): void {
    if (this.#status.status !== 'reserved') return
    const isConnected = this.#init.components.connectionManager
      .getConnections(this.relay)
      .some(({ status }) => status === 'open')
    const cause =
      this.#lossCause ?? (isConnected ? 'the relay did not renew it' : 'the connection to the relay was lost')
    this.#status = { status: 'idle' }
    this.#lossCause = undefined
    this.#try()
    this.#init.onLost(this, cause)
  }

  #pause(): void {
    this.#attempt?.abort(new Error('not wanted any more'))
    this.#attempt = undefined
    clearTimeout(this.#timer)
    this.#endHope()
    if (!this.isReserved) this.#status = { status: 'idle' }
  }

  #try(): void {
    if (!this.#wanted || this.#suspended || this.#attempt != null || this.isReserved) return
    clearTimeout(this.#timer)
    const attempt = new AbortController()
    this.#attempt = attempt
    this.#status = { status: 'trying', attempt: this.#failures + 1 }
    if (this.#failures === 0) {
      this.#hope = setTimeout(() => {
        this.#endHope()
        this.#init.onDoubt(this)
      }, HOPE_MS)
    }
    this.#reserve(attempt.signal).then(
      () => {
        if (this.#attempt !== attempt) return
        this.#attempt = undefined
        this.#onReserved()
      },
      (err: Error) => {
        if (this.#attempt !== attempt) return
        this.#attempt = undefined
        this.#onFailed(err)
      }
    )
  }

  async #reserve(signal: AbortSignal): Promise<void> {
    const { components, store } = this.#init
    // First, and by its address: libp2p would try one address after the other, and turn the relay away for good.
    await bounded(CONNECT_TIMEOUT_MS, signal, 'it could not be reached', (signal) =>
      components.connectionManager.openConnection(this.address, { signal })
    )
    await bounded(ASK_TIMEOUT_MS, signal, 'it did not answer', () => this.#listen())
    if (!store.hasReservation(this.relay)) throw new Error('The reservation was lost as soon as it was made')
  }

  async #listen(): Promise<unknown> {
    const { components, store } = this.#init
    store.relayFilter?.remove(this.relay.toMultihash().bytes)
    if (this.#served) return store.addRelay(this.relay, 'configured')
    const listen = this.address.encapsulate('/p2p-circuit')
    if (this.#listener != null) return this.#listener.listen(listen)
    const before = new Set(components.transportManager.getListeners())
    const listening = components.transportManager.listen([listen])
    this.#listener = components.transportManager.getListeners().find((listener) => !before.has(listener))
    return listening
  }

  #onReserved(): void {
    if (this.isReserved) return
    clearTimeout(this.#timer)
    this.#endHope()
    this.#served = true
    this.#failures = 0
    this.#error = undefined
    this.#lossCause = undefined
    this.#status = { status: 'reserved', since: Date.now() }
    this.#init.log('reserved at relay %p', this.relay)
    this.#init.onOpen(this)
  }

  #onFailed(err: Error): void {
    this.#failures++
    this.#error = err
    this.#endHope()
    this.#init.log('no reservation at relay %p - %e', this.relay, err)
    this.#backOff(this.#pauseMs(err), reasonOf(err))
    this.#init.onDoubt(this)
  }

  #backOff(delayMs: number, cause: string): void {
    clearTimeout(this.#timer)
    this.#status = { status: 'backoff', attempt: this.#failures, retryAt: Math.round(Date.now() + delayMs), cause }
    this.#timer = setTimeout(() => this.#try(), delayMs)
  }

  #pauseMs(err: Error): number {
    const connections = this.#init.components.connectionManager
      .getConnections(this.relay)
      .filter(({ status }) => status === 'open')
    if (err instanceof TimedOutError) {
      for (const connection of connections) void giveUpSilent(connection, ANSWER_MS, this.#init.log)
      return Math.random() * TIMED_OUT_PAUSE_MS
    }
    return connections.length > 0
      ? backoffMs(this.#failures, REFUSED_BACKOFF, Math.random)
      : UNREACHABLE_PAUSE_MS + backoffMs(this.#failures, UNREACHABLE_BACKOFF, Math.random)
  }

  #endHope(): void {
    clearTimeout(this.#hope)
    this.#hope = undefined
  }
}
