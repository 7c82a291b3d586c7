import type { PathStats } from '../session/index.ts'

/** The numbers the rules below turn on; the link's configuration gives them. */
export interface HealthLimits {
  readonly deadAfterMs: number
  readonly deadAfterRtos: number
  readonly heartbeatIntervalMs: number
  readonly probeAnswerMs: number
  readonly idleDeathProbes: number
}

export interface HealthInput {
  readonly stats: PathStats
  /** Our probes since the path was last heard. */
  readonly probes: {
    readonly unanswered: number
    readonly lastAt: number | undefined
    /** Asked after the network changed or we woke: patience is for radios, not for addresses that are gone. */
    readonly urgent: boolean
  }
  /** When any other path of this link last heard the peer. */
  readonly othersHeardAt: number | undefined
  /** Nothing before this counts as silence: our own timers were held up until then. */
  readonly notBefore: number
}

/**
 * - `ok`
 * - `probe`: idle, and due for a probe
 * - `dead`: the peer is heard elsewhere, or never answered our probes
 *
 * `wakeAt` is when the answer may change by itself.
 */
export type Health =
  | { readonly status: 'ok'; readonly wakeAt: number }
  | { readonly status: 'probe' }
  | { readonly status: 'dead'; readonly cause: string }

/** Rules 4 and 5 of the design, for one path at one moment. */
export function assess(
  { stats, probes, othersHeardAt, notBefore }: HealthInput,
  limits: HealthLimits,
  now: number
): Health {
  const { unansweredSince, oldestUnackedAt, lastHeardAt, rtoMs } = stats
  const heardAt = Math.max(lastHeardAt, notBefore)
  let wakeAt = Number.POSITIVE_INFINITY

  // Counted frames wait for an acknowledgement: silence means death once another path proves that the peer is there.
  if (unansweredSince != null && oldestUnackedAt != null) {
    const since = Math.max(unansweredSince, notBefore)
    const deadAt = since + Math.max(limits.deadAfterMs, limits.deadAfterRtos * rtoMs)
    const heardElsewhere = othersHeardAt != null && othersHeardAt > since
    if (now >= deadAt && heardElsewhere) {
      return {
        status: 'dead',
        cause: `nothing heard for ${Math.round(now - since)} ms while another path heard the peer`
      }
    }
    wakeAt = Math.min(wakeAt, now >= deadAt ? now + limits.deadAfterMs : deadAt)
  }

  if (probes.urgent && probes.lastAt != null) {
    const answerBy = Math.max(probes.lastAt, notBefore) + limits.probeAnswerMs
    if (now >= answerBy) return { status: 'dead', cause: 'no answer since the network changed' }
    return { status: 'ok', wakeAt: Math.min(wakeAt, answerBy) }
  }

  // Unanswered heartbeats alone: patience, radios are silent for seconds.
  const idleAt = heardAt + limits.heartbeatIntervalMs
  if (now < idleAt) return { status: 'ok', wakeAt: Math.min(wakeAt, idleAt) }
  if (probes.lastAt == null || probes.unanswered === 0) return { status: 'probe' }
  const answerBy = Math.max(probes.lastAt, notBefore) + limits.probeAnswerMs
  if (now < answerBy) return { status: 'ok', wakeAt: Math.min(wakeAt, answerBy) }
  if (probes.unanswered < limits.idleDeathProbes) return { status: 'probe' }
  return { status: 'dead', cause: `${probes.unanswered} probes in a row unanswered` }
}
