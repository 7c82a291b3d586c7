import type { SessionPath } from '../path/index.ts'
import type { PathStats } from '../session/index.ts'
import type { PathInfo, PathRole } from './api.ts'
import type { Carrier } from './carrier.ts'

/** One path with what carries it. */
export interface Attached {
  readonly path: SessionPath
  readonly carrier: Carrier
}

/** The paths of a link, by id. */
export class AttachedPaths {
  readonly #paths = new Map<number, Attached>()

  get size(): number {
    return this.#paths.size
  }

  get ids(): Iterable<number> {
    return this.#paths.keys()
  }

  get(id: number): Attached | undefined {
    return this.#paths.get(id)
  }

  add(id: number, attached: Attached): void {
    this.#paths.set(id, attached)
  }

  remove(id: number): void {
    this.#paths.delete(id)
  }

  /** All of them, which are none afterwards. */
  takeAll(): Attached[] {
    const all = [...this.#paths.values()]
    this.#paths.clear()
    return all
  }

  /** Snapshots for users. */
  infos(stats: readonly PathStats[], roleOf: (id: number) => PathRole): PathInfo[] {
    return [...this.#paths].map(([id, { path }]) => infoOf(id, path, stats, roleOf(id)))
  }
}

export function infoOf(id: number, path: SessionPath, stats: readonly PathStats[], role: PathRole): PathInfo {
  const { kind, remoteAddr, sentBytes, receivedBytes, budget, openedAt } = path
  const rttMs = stats.find((stat) => stat.path === id)?.srttMs
  return { id: `${id}`, kind, role, remoteAddr, rttMs, sentBytes, receivedBytes, budget, openedAt }
}
