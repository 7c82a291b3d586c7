import type { EventQueue } from './event-queue.ts'
import { Lane, type LaneInit } from './lane.ts'

/** Who reads the other end of a path. */
export interface PathUser {
  onBytes(path: SimPath, bytes: Uint8Array): void
  /** The carrier is gone, as far as this side can tell. */
  onClosed(path: SimPath): void
}

export interface SimPathInit {
  readonly id: number
  readonly initiator: 0 | 1
  readonly limited: boolean
  /** By sending side. */
  readonly lanes: readonly [LaneInit, LaneInit]
}

/** A carrier with one session stream on it: a lane each way, and each side's own idea of whether it lives. */
export class SimPath {
  readonly id: number
  readonly initiator: 0 | 1
  readonly limited: boolean
  readonly lanes: readonly [Lane, Lane]
  readonly open: [boolean, boolean] = [true, true]
  /** Bytes are lost somewhere: it will never work again, though nobody may have noticed. */
  broken = false
  readonly #queue: EventQueue
  readonly #users: readonly [PathUser, PathUser]

  constructor(queue: EventQueue, users: readonly [PathUser, PathUser], init: SimPathInit) {
    this.id = init.id
    this.initiator = init.initiator
    this.limited = init.limited
    this.#queue = queue
    this.#users = users
    const lane = (from: 0 | 1, to: 0 | 1) =>
      new Lane(
        queue,
        init.lanes[from],
        (bytes) => {
          if (this.open[to]) users[to].onBytes(this, bytes)
        },
        () => this.#notice(to)
      )
    this.lanes = [lane(0, 1), lane(1, 0)]
  }

  get isOpen(): boolean {
    return this.open[0] || this.open[1]
  }

  send(side: 0 | 1, bytes: Uint8Array): void {
    if (this.open[side]) this.lanes[side].send(bytes)
  }

  /** This side is done; the other sees the end behind all bytes under way. What is under way to this side is lost. */
  closeBy(side: 0 | 1): void {
    if (!this.open[side]) return
    this.open[side] = false
    this.lanes[side].end()
  }

  /** Everything under way is lost, and the sides notice after these times. */
  kill(noticeMs: readonly [number, number]): void {
    this.broken = true
    for (const side of [0, 1] as const) {
      this.lanes[side].swallow()
      this.#queue.after(noticeMs[side], () => this.#notice(side))
    }
  }

  /** What this side sends disappears; nobody is told. */
  blackHole(side: 0 | 1): void {
    this.broken = true
    this.lanes[side].swallow()
  }

  #notice(side: 0 | 1): void {
    if (!this.open[side]) return
    this.open[side] = false
    this.#users[side].onClosed(this)
  }
}
