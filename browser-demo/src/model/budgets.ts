import type { PathInfo } from 'libp2p-holdfast'

export interface Gauge {
  readonly remaining: number
  /** What was left when the path was first seen: relays tell what is left, not what they gave. */
  readonly first: number
}

export interface Budget {
  readonly id: string
  readonly path: PathInfo
  readonly bytes?: Gauge
  readonly ms?: Gauge
}

/** What relays leave of limited paths, each beside what it was at first. */
export class Budgets {
  #first = new Map<string, { bytes: number; ms: number }>()

  read(paths: readonly PathInfo[]): Budget[] {
    const limited = paths.filter(({ budget }) => budget != null)
    this.#first = new Map(
      limited.map(({ id, budget }) => {
        const before = this.#first.get(id)
        const bytes = Math.max(before?.bytes ?? 0, budget?.remainingBytes ?? 0)
        return [id, { bytes, ms: Math.max(before?.ms ?? 0, budget?.remainingMs ?? 0) }]
      })
    )
    return limited.map((path) => {
      const first = this.#first.get(path.id)
      const gauge = (remaining: number | undefined, from = 0): Gauge | undefined =>
        remaining == null ? undefined : { remaining, first: from }
      return {
        id: path.id,
        path,
        bytes: gauge(path.budget?.remainingBytes, first?.bytes),
        ms: gauge(path.budget?.remainingMs, first?.ms)
      }
    })
  }
}
