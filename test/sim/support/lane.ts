import type { EventQueue } from './event-queue.ts'

export interface LaneInit {
  readonly delayMs: number
  readonly bytesPerMs: number
  /** Bytes not yet on the wire above which the carrier says stop. */
  readonly carrierBytes: number
}

interface Packet {
  readonly bytes: Uint8Array | undefined
  arrivesAt: number
}

/** One direction of a path: in order, with a delay and a rate. It may freeze, swallow everything, or end. */
export class Lane {
  readonly #queue: EventQueue
  readonly #init: LaneInit
  readonly #onBytes: (bytes: Uint8Array) => void
  readonly #onEnd: () => void
  #packets: Packet[] = []
  #busyUntil = 0
  #delivering = false
  #swallowed: number | undefined
  #ended = false

  /** `onEnd` is called behind the last byte after `end`. */
  constructor(queue: EventQueue, init: LaneInit, onBytes: (bytes: Uint8Array) => void, onEnd: () => void) {
    this.#queue = queue
    this.#init = init
    this.#onBytes = onBytes
    this.#onEnd = onEnd
  }

  get isFull(): boolean {
    return this.#backlogBytes > this.#init.carrierBytes
  }

  /** When the carrier takes bytes again; undefined if it never will. */
  get drainsAt(): number | undefined {
    if (this.#swallowed != null) return undefined
    return this.#busyUntil - this.#init.carrierBytes / 2 / this.#init.bytesPerMs
  }

  send(bytes: Uint8Array): void {
    if (this.#ended) return
    if (this.#swallowed != null) {
      this.#swallowed += bytes.byteLength
      return
    }
    this.#push(bytes, bytes.byteLength)
  }

  /** No more bytes: the other end sees the end behind those under way. */
  end(): void {
    if (this.#ended || this.#swallowed != null) return
    this.#push(undefined, 0)
    this.#ended = true
  }

  /** Nothing moves for a while, nothing is lost. */
  freeze(forMs: number): void {
    this.#busyUntil = Math.max(this.#busyUntil, this.#queue.now) + forMs
    for (const packet of this.#packets) packet.arrivesAt += forMs
  }

  /** What is under way, and all that follows, is lost. */
  swallow(): void {
    this.#swallowed ??= this.#backlogBytes
    this.#packets = []
  }

  get #backlogBytes(): number {
    return this.#swallowed ?? Math.max(0, this.#busyUntil - this.#queue.now) * this.#init.bytesPerMs
  }

  #push(bytes: Uint8Array | undefined, length: number): void {
    this.#busyUntil = Math.max(this.#busyUntil, this.#queue.now) + length / this.#init.bytesPerMs
    this.#packets.push({ bytes, arrivesAt: this.#busyUntil + this.#init.delayMs })
    this.#schedule()
  }

  #schedule(): void {
    const head = this.#packets[0]
    if (head == null || this.#delivering) return
    this.#delivering = true
    this.#queue.at(head.arrivesAt, () => {
      this.#delivering = false
      const packet = this.#packets[0]
      if (packet != null && packet.arrivesAt <= this.#queue.now) {
        this.#packets.shift()
        if (packet.bytes == null) this.#onEnd()
        else this.#onBytes(packet.bytes)
      }
      this.#schedule()
    })
  }
}
