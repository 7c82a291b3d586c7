import type { PathStats } from '../session/index.ts'
import { GIVE_UP_AFTER_MS, LAST_ASKED_BEFORE_MS, LOOK_EVERY_MS, RECOVERING_AFTER_MS } from './config.ts'

export interface Silence {
  /** When all paths fell silent, if that is long enough ago to call it an outage. */
  readonly since?: number
  /** When to look again. */
  readonly wakeAt?: number
}

/**
 * Counted from what we heard last, or sent first after that: a standby is asked only once there is doubt, and a full path sends
 * nothing more. `all`: of the paths there are; undefined for one the session has no numbers of.
 */
export function silence(all: ReadonlyArray<PathStats | undefined>, notBefore: number, now: number): Silence {
  const heardAt = Math.max(...all.map((stats) => stats?.lastHeardAt ?? 0))
  const owed = all.flatMap((stats) => stats?.oldestUnackedAt ?? [])
  // Nobody tells when the application sends again: an outage that begins with that must not wait for the next heartbeat.
  if (owed.length === 0) return all.length > 0 ? { wakeAt: now + LOOK_EVERY_MS } : {}
  const since = Math.max(Math.min(...owed), heardAt, notBefore)
  const askedAt = Math.max(...all.map((stats) => stats?.unansweredSince ?? now))
  const outageAt = Math.max(since + RECOVERING_AFTER_MS, askedAt + LAST_ASKED_BEFORE_MS)
  return now < outageAt ? { wakeAt: outageAt } : { since, wakeAt: since + GIVE_UP_AFTER_MS }
}
