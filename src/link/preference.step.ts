import type { PathKind } from '../path/index.ts'
import { RTT_ADVANTAGE_MS, RTT_ADVANTAGE_RATIO } from './config.ts'
import type { CircuitView } from './link-events.ts'

/** Our probes since the path was last heard. */
export interface Probes {
  readonly unanswered: number
  readonly lastAt: number | undefined
  /** Sent because the world may be another: one without an answer is enough. */
  readonly urgent: boolean
}

export const NOT_PROBED: Probes = { unanswered: 0, lastAt: undefined, urgent: false }

export interface PathView {
  readonly id: number
  readonly kind: PathKind
  /** Which side opened it: of two relayed paths that of side 0 stays. */
  readonly opener: 0 | 1
  /** Unlimited, or with so much left that standing by costs nothing that matters. */
  readonly ample: boolean
  /** Of a limited one. */
  readonly circuit: CircuitView | undefined
  /** It carries few bytes more. */
  low: boolean
  /** The peer asked for another, or we asked the peer. */
  asked: 'no' | 'byPeer' | 'byUs'
  readonly attachedAt: number
  /** Our own probe was echoed on it. */
  proven: boolean
  suspect: boolean
  /** When that was last found; the attach time before that. */
  suspectedAt: number
  /** The peer, or we, said good-bye on it. */
  leaving: boolean
  rttMs: number | undefined
  probes: Probes
  /** When it was first found dead, unless it was heard since. */
  doomedAt: number | undefined
}

export function isDirect(path: PathView): boolean {
  return path.kind !== 'relayed'
}

/**
 * Best first: proven direct paths, relayed ones, then what is not proven yet. Health is not looked at: a suspect path
 * keeps its place, and the session sends past it meanwhile. `current` stays first among its equals until a challenger is
 * clearly faster.
 */
export function order(paths: Iterable<PathView>, current: number | undefined): PathView[] {
  const sorted = [...paths].sort((a, b) => rank(a) - rank(b) || compareEquals(a, b))
  const first = sorted[0]
  const held = sorted.find((path) => path.id === current)
  if (first == null || held == null || first === held || rank(first) !== rank(held) || !isDirect(held)) return sorted
  if (isClearlyFaster(first, held)) return sorted
  return [held, ...sorted.filter((path) => path !== held)]
}

function rank(path: PathView): number {
  if (path.leaving) return 3
  if (isDirect(path)) return path.proven ? 0 : 2
  return 1
}

function compareEquals(a: PathView, b: PathView): number {
  if (isDirect(a)) return (a.rttMs ?? Number.POSITIVE_INFINITY) - (b.rttMs ?? Number.POSITIVE_INFINITY) || a.id - b.id
  // Of one opener the newer one was made to replace the older.
  return a.opener - b.opener || b.id - a.id
}

function isClearlyFaster(challenger: PathView, held: PathView): boolean {
  if (challenger.rttMs == null || held.rttMs == null) return false
  return challenger.rttMs <= held.rttMs - RTT_ADVANTAGE_MS && challenger.rttMs <= held.rttMs * RTT_ADVANTAGE_RATIO
}
