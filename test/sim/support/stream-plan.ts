import type { Rng } from './rng.ts'

export type ReaderPlan =
  /** Consumes at once. */
  | { readonly kind: 'eager' }
  /** Consumes a little now and then. */
  | { readonly kind: 'slow'; readonly bytes: number; readonly everyMs: number }
  /** Consumes nothing for a while, then everything. */
  | { readonly kind: 'paused'; readonly forMs: number }
  /** Gives up after this many bytes. */
  | { readonly kind: 'stop'; readonly atBytes: number }

export interface DirectionPlan {
  readonly bytes: number
  /** The writer resets after this many bytes instead of finishing. */
  readonly resetAt: number | undefined
  readonly chunkBytes: number
  readonly startAfterMs: number
  readonly pauseMs: number
  readonly reader: ReaderPlan
}

export interface StreamPlan {
  /** After the session began. */
  readonly openAfterMs: number
  /** By writing side. */
  readonly directions: readonly [DirectionPlan, DirectionPlan]
}

/** Stream plans of one session by opener and index: both sides know them, as applications know what they talk about. */
export interface SessionPlan {
  readonly streams: readonly [readonly StreamPlan[], readonly StreamPlan[]]
}

const KIB = 1_024
const MAX_BYTES = 100 * KIB

/** Streams 0 and 1 of each side are clean: finished and read to the end in both directions. */
const CLEAN_STREAMS = 2

/** So many streams are smaller ones. */
const MANY = 10

export interface PlanInit {
  readonly durationMs: number
  /** At least this much cleanly in each direction. */
  readonly minBytes: number
  readonly streams: readonly [number, number]
}

export function planSession(rng: Rng, { durationMs, minBytes, streams }: PlanInit): SessionPlan {
  const floor = Math.ceil(minBytes / (2 * CLEAN_STREAMS))
  const side = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const clean = index < CLEAN_STREAMS
      const maxBytes = clean || count <= MANY ? MAX_BYTES : MAX_BYTES / 16
      const direction = () => planDirection(rng, clean, clean ? floor : 0, maxBytes, durationMs)
      return {
        openAfterMs: rng.chance(0.3) ? 0 : rng.int(durationMs),
        directions: [direction(), direction()] as const
      }
    })
  return { streams: [side(streams[0]), side(streams[1])] }
}

function planDirection(
  rng: Rng,
  clean: boolean,
  minBytes: number,
  maxBytes: number,
  durationMs: number
): DirectionPlan {
  const kind = rng.next()
  let bytes = rng.int(maxBytes + 1)
  if (kind < 0.15) bytes = 0
  else if (kind < 0.5) bytes = rng.int(4 * KIB)
  else if (kind < 0.6) bytes = maxBytes
  bytes = Math.max(bytes, minBytes)
  return {
    bytes,
    resetAt: !clean && rng.chance(0.15) ? rng.int(bytes + 1) : undefined,
    chunkBytes: rng.pick([200, 3_000, 17_000, 64_000, MAX_BYTES]) + rng.int(100),
    startAfterMs: rng.chance(0.6) ? 0 : rng.int(durationMs / 2),
    pauseMs: rng.chance(0.5) ? 0 : rng.int(20),
    reader: planReader(rng, clean, bytes, durationMs)
  }
}

function planReader(rng: Rng, clean: boolean, bytes: number, durationMs: number): ReaderPlan {
  const kind = rng.next()
  if (kind < 0.5) return { kind: 'eager' }
  if (kind < 0.7) return { kind: 'slow', bytes: rng.between(1_000, 20_000), everyMs: rng.between(5, 200) }
  if (clean || kind < 0.88) return { kind: 'paused', forMs: rng.int(durationMs) }
  return { kind: 'stop', atBytes: rng.int(bytes + 1) }
}
