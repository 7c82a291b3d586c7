interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Virtual time: `now` jumps to the next event. Events at the same time run in the order they were added. */
export class EventQueue {
  now = 0
  #order = 0
  readonly #heap: Event[] = []

  get nextAt(): number | undefined {
    return this.#heap[0]?.at
  }

  at(time: number, run: () => void): void {
    const heap = this.#heap
    const event = { at: Math.max(time, this.now), order: this.#order++, run }
    let child = heap.length
    heap.push(event)
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!before(event, heap[parent]!)) break
      heap[child] = heap[parent]!
      child = parent
    }
    heap[child] = event
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.now + delayMs, run)
  }

  /** Runs the next event; time must not be beyond it. */
  runNext(): void {
    const heap = this.#heap
    const top = heap[0]!
    const last = heap.pop()!
    const size = heap.length
    if (size > 0) {
      let parent = 0
      for (;;) {
        let child = 2 * parent + 1
        if (child >= size) break
        if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++
        if (!before(heap[child]!, last)) break
        heap[parent] = heap[child]!
        parent = child
      }
      heap[parent] = last
    }
    this.now = top.at
    top.run()
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
