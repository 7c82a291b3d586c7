import type { PathInfo } from 'libp2p-holdfast'

/** One sample a second: two minutes. */
export const RTT_WINDOW_MS = 120_000

interface Sample {
  readonly at: number
  readonly directMs: number | null
  readonly relayedMs: number | null
}

/** Columns as plots want them, oldest first; `null` where there was no such path or no measurement. */
export interface RttColumns {
  readonly secondsAgo: number[]
  readonly directMs: Array<number | null>
  readonly relayedMs: Array<number | null>
}

/** Round-trip times of the last two minutes, of the best direct and the best relayed path. */
export class RttSeries {
  #samples: readonly Sample[] = []

  sample(at: number, paths: readonly PathInfo[]): void {
    const best = (wanted: (path: PathInfo) => boolean): number | null => {
      const measured = paths.filter(wanted).flatMap(({ rttMs }) => rttMs ?? [])
      return measured.length === 0 ? null : Math.min(...measured)
    }
    const directMs = best(({ kind }) => kind !== 'relayed')
    const relayedMs = best(({ kind }) => kind === 'relayed')
    this.#samples = [...this.#samples, { at, directMs, relayedMs }].filter((sample) => sample.at >= at - RTT_WINDOW_MS)
  }

  columns(now: number): RttColumns {
    return {
      secondsAgo: this.#samples.map(({ at }) => (at - now) / 1000),
      directMs: this.#samples.map(({ directMs }) => directMs),
      relayedMs: this.#samples.map(({ relayedMs }) => relayedMs)
    }
  }
}
