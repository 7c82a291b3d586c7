import type { PathInfo, PathKind } from 'libp2p-holdfast'

export interface Bytes {
  readonly sentBytes: number
  readonly receivedBytes: number
}

/** What paths of one kind carried that are no more. */
export interface ClosedPaths extends Bytes {
  readonly kind: PathKind
  readonly count: number
}

/** Bytes by path. Those of closed paths stay, in a sum per kind. */
export class Traffic {
  #live = new Map<string, PathInfo>()
  readonly #closed = new Map<PathKind, ClosedPaths>()

  /** `last` are the final numbers of a path that just closed. */
  update(paths: readonly PathInfo[], last?: PathInfo): void {
    if (last != null && this.#live.has(last.id)) this.#live.set(last.id, last)
    const alive = new Map(paths.map((path) => [path.id, path]))
    for (const [id, path] of this.#live) if (!alive.has(id)) this.#close(path)
    this.#live = alive
  }

  get closed(): ClosedPaths[] {
    return [...this.#closed.values()]
  }

  get total(): Bytes {
    return [...this.#live.values(), ...this.#closed.values()].reduce<Bytes>(add, { sentBytes: 0, receivedBytes: 0 })
  }

  #close(path: PathInfo): void {
    const { kind } = path
    const sum = this.#closed.get(kind) ?? { kind, count: 0, sentBytes: 0, receivedBytes: 0 }
    this.#closed.set(kind, { kind, count: sum.count + 1, ...add(sum, path) })
  }
}

function add(a: Bytes, b: Bytes): Bytes {
  return { sentBytes: a.sentBytes + b.sentBytes, receivedBytes: a.receivedBytes + b.receivedBytes }
}
