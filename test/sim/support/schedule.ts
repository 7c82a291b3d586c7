import { DEFAULT_SESSION_CONFIG, type SessionConfig } from '../../../src/session/index.ts'
import type { LaneInit } from './lane.ts'
import type { Rng } from './rng.ts'

export type Ending =
  /** Streams end, the session stays. */
  | { readonly kind: 'none' }
  /** `early`: in the middle of everything; else when all was written. The other side follows when told. */
  | { readonly kind: 'close'; readonly sides: readonly (0 | 1)[]; readonly early: boolean }
  | { readonly kind: 'abort'; readonly side: 0 | 1 }

/** What one seed decides beforehand; the rest is decided as it goes, by the same generator. */
export interface Schedule {
  readonly durationMs: number
  readonly configs: readonly [SessionConfig, SessionConfig]
  readonly streams: readonly [number, number]
  readonly dialers: readonly (0 | 1)[]
  readonly ending: Ending
  readonly endAtMs: number
  readonly restarts: readonly { readonly side: 0 | 1; readonly atMs: number }[]
  /** When something happens to paths or preferences. */
  readonly disturbancesAtMs: readonly number[]
}

/** In each direction, over streams that are neither reset nor stopped. */
export const MIN_BYTES = 262_144

const KIB = 1_024

export function planSchedule(rng: Rng): Schedule {
  const durationMs = rng.pick([500, 1_500, 4_000, 10_000])
  const kind = rng.next()
  let ending: Ending = { kind: 'none' }
  if (kind < 0.5) {
    const sides = rng.pick([[0], [1], [0, 1]] as const)
    ending = { kind: 'close', sides, early: rng.chance(0.3) }
  } else if (kind < 0.6) {
    ending = { kind: 'abort', side: rng.pick([0, 1] as const) }
  }
  const maxStreams = rng.chance(0.2) ? rng.between(3, 6) : DEFAULT_SESSION_CONFIG.maxStreams
  const restarts =
    ending.kind === 'none' && rng.chance(0.3)
      ? Array.from({ length: rng.between(1, 2) }, () => ({
          side: rng.pick([0, 1] as const),
          atMs: rng.int(durationMs)
        }))
      : []
  return {
    durationMs,
    configs: [planConfig(rng, maxStreams), planConfig(rng, maxStreams)],
    streams: rng.chance(0.1) ? [60, 60] : [rng.between(6, 9), rng.between(6, 9)],
    dialers: rng.pick([[0], [1], [0, 1]] as const),
    ending,
    endAtMs: durationMs * (0.3 + 0.7 * rng.next()),
    restarts,
    disturbancesAtMs: Array.from({ length: rng.between(12, 32) }, () => rng.int(durationMs)).sort((a, b) => a - b)
  }
}

function planConfig(rng: Rng, maxStreams: number): SessionConfig {
  if (rng.chance(0.3)) return { ...DEFAULT_SESSION_CONFIG, maxStreams }
  const maxStreamSendBuffer = rng.pick([16, 64, 1_024]) * KIB
  return {
    streamWindow: rng.pick([8, 32, 256, 1_024]) * KIB,
    sessionWindow: rng.pick([16, 64, 256, 4_096]) * KIB,
    maxStreamSendBuffer,
    maxSendBuffer: maxStreamSendBuffer * rng.pick([1, 2, 4]),
    maxStreams
  }
}

export function planLanes(rng: Rng): [LaneInit, LaneInit] {
  const delayMs = rng.pick([0, 1, 10, 30, 100, 250]) * (0.5 + rng.next())
  const lane = () => ({
    delayMs,
    bytesPerMs: rng.pick([150, 600, 2_000, 20_000]) * (0.5 + rng.next()),
    carrierBytes: rng.pick([4, 32, 256, 4_096]) * KIB
  })
  return [lane(), lane()]
}
