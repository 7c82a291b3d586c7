/** Disjoint half-open ranges of offsets, sorted. Few at a time: linear scans beat anything clever. */
export class RangeSet {
  readonly #ranges: Array<[start: number, end: number]> = []

  get isEmpty(): boolean {
    return this.#ranges.length === 0
  }

  get first(): readonly [start: number, end: number] | undefined {
    return this.#ranges[0]
  }

  add(start: number, end: number): void {
    if (start >= end) return
    const ranges = this.#ranges
    let at = ranges.length
    while (at > 0 && ranges[at - 1]![1] >= start) at--
    let until = at
    while (until < ranges.length && ranges[until]![0] <= end) {
      start = Math.min(start, ranges[until]![0])
      end = Math.max(end, ranges[until]![1])
      until++
    }
    ranges.splice(at, until - at, [start, end])
  }

  remove(start: number, end: number): void {
    for (let i = 0; i < this.#ranges.length; ) {
      const [from, to] = this.#ranges[i]!
      if (to <= start) {
        i++
        continue
      }
      if (from >= end) return
      const rest: Array<[number, number]> = []
      if (from < start) rest.push([from, start])
      if (to > end) rest.push([end, to])
      this.#ranges.splice(i, 1, ...rest)
      i += rest.length
    }
  }

  /** The parts of [start, end) not in this set. */
  *missing(start: number, end: number): Generator<[start: number, end: number]> {
    for (const [from, to] of this.#ranges) {
      if (to <= start) continue
      if (from >= end) break
      if (from > start) yield [start, from]
      start = to
    }
    if (start < end) yield [start, end]
  }

  clear(): void {
    this.#ranges.length = 0
  }
}
