import type { AckFrame, PongFrame } from '../wire/index.ts'

/** ACK and PONG owed on one path: at most one of each waits for the carrier, a newer one replaces it. */
export class Acks {
  /** Counted frames received. */
  #received = 0
  /** When the newest of them came that no ACK has told of. */
  #dueSince: number | undefined
  #pong: number | undefined

  onCounted(now: number): void {
    this.#received++
    this.#dueSince = now
  }

  onPing(nonce: number): void {
    this.#pong = nonce
  }

  takeAck(path: number, now: number): AckFrame | undefined {
    if (this.#dueSince == null) return undefined
    const delayMs = Math.max(0, Math.round(now - this.#dueSince))
    this.#dueSince = undefined
    return { type: 'ack', path, sequence: this.#received, delayMs }
  }

  /** About a path that is perhaps dead: told on another one, beside the PONG the peer asks whether we are there by. */
  ackElsewhere(path: number): AckFrame | undefined {
    return this.#received === 0 ? undefined : { type: 'ack', path, sequence: this.#received, delayMs: 0 }
  }

  get owesPong(): boolean {
    return this.#pong != null
  }

  takePong(): PongFrame | undefined {
    if (this.#pong == null) return undefined
    const nonce = this.#pong
    this.#pong = undefined
    return { type: 'pong', nonce }
  }
}
