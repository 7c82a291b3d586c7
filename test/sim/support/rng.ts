/** A seeded PRNG (mulberry32): the same seed gives the same run on every machine. */
export class Rng {
  #state: number

  constructor(readonly seed: number) {
    this.#state = seed >>> 0
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  /** In [0, below), whole. */
  int(below: number): number {
    return Math.floor(this.next() * below)
  }

  /** In [min, max], whole. */
  between(min: number, max: number): number {
    return min + this.int(max - min + 1)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(from.length)]!
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let i = 0; i < length; i++) out[i] = this.int(256)
    return out
  }

  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items]
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1)
      const kept = out[i]!
      out[i] = out[j]!
      out[j] = kept
    }
    return out
  }
}

/** `HOLDFAST_SEED` when a run is to be replayed. */
export function seedFromEnv(): number | undefined {
  const text = process.env.HOLDFAST_SEED
  if (text == null || text === '') return undefined
  const seed = Number(text)
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`HOLDFAST_SEED must be a whole number, not '${text}'`)
  return seed
}

/** A seed nobody chose; print it. */
export function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 31)
}
