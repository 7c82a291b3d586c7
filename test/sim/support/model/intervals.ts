/** Disjoint half-open intervals, sorted: written apart from the product's own, so that both cannot be wrong alike. */
export class Intervals {
  #all: Array<readonly [from: number, to: number]> = []

  get isEmpty(): boolean {
    return this.#all.length === 0
  }

  /** How far all is covered from 0 on. */
  get prefix(): number {
    const first = this.#all[0]
    return first?.[0] === 0 ? first[1] : 0
  }

  get total(): number {
    let sum = 0
    for (const [from, to] of this.#all) sum += to - from
    return sum
  }

  add(from: number, to: number): void {
    if (from >= to) return
    const last = this.#all.at(-1)
    if (last == null || last[1] < from) {
      this.#all.push([from, to])
      return
    }
    const apart = this.#all.filter(([a, b]) => b < from || a > to)
    const touching = this.#all.filter(([a, b]) => b >= from && a <= to)
    for (const [a, b] of touching) {
      from = Math.min(from, a)
      to = Math.max(to, b)
    }
    this.#all = [...apart, [from, to] as const].sort(([a], [b]) => a - b)
  }

  remove(from: number, to: number): void {
    if (from >= to || this.#all.length === 0) return
    this.#all = this.#all.flatMap(([a, b]) => {
      if (b <= from || a >= to) return [[a, b] as const]
      const rest: Array<readonly [number, number]> = []
      if (a < from) rest.push([a, from])
      if (b > to) rest.push([to, b])
      return rest
    })
  }

  touches(from: number, to: number): boolean {
    return this.#all.some(([a, b]) => a < to && b > from)
  }

  [Symbol.iterator](): Iterator<readonly [from: number, to: number]> {
    return this.#all[Symbol.iterator]()
  }

  toString(): string {
    return this.#all.map(([from, to]) => `${from}..${to}`).join(' and ')
  }
}
