/** Bytes handed to readers in one go, and what of it is credit still owed to the peer. */
export interface Delivery {
  credit: number
  /** Iterators that have not passed all of it on. */
  holders: number
}

/** Credit of one stream: the peer gets it for what readers have really taken. */
export class ReadCredit {
  readonly #consume: (bytes: number) => void
  /** Bytes of the stream's read buffer that the peer has no credit for yet. */
  #unread = 0
  #delivery: Delivery | undefined

  constructor(consume: (bytes: number) => void) {
    this.#consume = consume
  }

  onReceived(bytes: number): void {
    this.#unread += bytes
  }

  /** All that is unread goes to the readers `dispatch` reaches; what none of them holds has been taken. */
  deliver(dispatch: () => void): void {
    const outer = this.#delivery
    const delivery: Delivery = { credit: this.#unread, holders: 0 }
    this.#delivery = delivery
    this.#unread = 0
    try {
      dispatch()
    } finally {
      this.#delivery = outer
      if (delivery.holders === 0) this.#give(delivery, delivery.credit)
    }
  }

  /** Whoever is being reached passes it on later. */
  hold(): Delivery {
    const delivery = this.#delivery ?? { credit: 0, holders: 0 }
    delivery.holders++
    return delivery
  }

  /** A lone holder gives credit back chunk by chunk; several, when the slowest has passed all of it on. */
  onPassedOn(delivery: Delivery, bytes: number, isLast: boolean): void {
    if (delivery.holders === 1) this.#give(delivery, bytes)
    if (isLast && --delivery.holders === 0) this.#give(delivery, delivery.credit)
  }

  /** A holder passes nothing more on. `unread`: its bytes are back in the read buffer, unless others hold them too. */
  letGo(delivery: Delivery, unread: boolean): void {
    if (--delivery.holders > 0) return
    if (unread) {
      this.#unread += delivery.credit
      delivery.credit = 0
    } else {
      this.#give(delivery, delivery.credit)
    }
  }

  /** What is unread is nobody's any more. */
  giveUnread(): void {
    if (this.#unread === 0) return
    const bytes = this.#unread
    this.#unread = 0
    this.#consume(bytes)
  }

  #give(delivery: Delivery, bytes: number): void {
    const credit = Math.min(bytes, delivery.credit)
    if (credit <= 0) return
    delivery.credit -= credit
    this.#consume(credit)
  }
}
