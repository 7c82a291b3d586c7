import { ASKED_RENEWAL_AGE_MS, DEAR_STANDBY_MS, DUPLICATE_GRACE_MS } from './config.ts'
import { isDirect, order, type PathView } from './preference.step.ts'

/** What is to become of a relayed path: it is left, or looked at again. */
export type RelayedDecision =
  | { readonly type: 'leave'; readonly path: PathView; readonly cause: string }
  | { readonly type: 'wake'; readonly at: number }

/** Relayed paths in use, the one that stays first. */
export function relayedInUse(paths: Iterable<PathView>): PathView[] {
  return order(paths, undefined).filter((path) => !isDirect(path) && !path.suspect && !path.leaving)
}

/** What of silence and ends is our own doing: nothing before `notBefore` counts. */
interface Own {
  readonly side: 0 | 1
  readonly notBefore: number
}

/**
 * Simultaneous dials leave two relayed paths: the one side 0 opened stays, the other's opener leaves it. And one that was
 * replaced is left as soon as its successor has answered.
 */
export function* dropDuplicates(
  paths: Iterable<PathView>,
  { side, notBefore }: Own,
  now: number
): Generator<RelayedDecision> {
  const [staying, ...others] = relayedInUse(paths)
  if (staying == null) return
  for (const path of others) {
    if (path.opener !== side) continue
    const isReplaced = path.opener === staying.opener
    if (isReplaced && !staying.proven) continue
    // After a stall of ours the end of one of them may not have been told yet.
    const at = Math.max(path.attachedAt, staying.attachedAt, notBefore) + DUPLICATE_GRACE_MS
    if (!isReplaced && now < at) yield { type: 'wake', at }
    else yield { type: 'leave', path, cause: isReplaced ? 'a new path replaced it' : 'another relayed path stays' }
  }
}

/**
 * Beside a direct path that works, a limited standby is kept while the application talks (until `idleAt`), if that is cheap;
 * then the direct path stands alone: cold.
 */
export function* coolDown(
  paths: Iterable<PathView>,
  direct: PathView,
  { side, notBefore, idleAt }: Own & { readonly idleAt: number },
  now: number
): Generator<RelayedDecision> {
  for (const path of relayedInUse(paths)) {
    const { circuit } = path
    if (path.ample || circuit == null || path.opener !== side) continue
    // Not from its own beginning: short circuits follow each other faster than this.
    const at = circuit.cheap ? idleAt : Math.max(direct.attachedAt, direct.suspectedAt, notBefore) + DEAR_STANDBY_MS
    if (now < at) yield { type: 'wake', at }
    else yield { type: 'leave', path, cause: 'not worth its relay limits while the direct path works' }
  }
}

/** When this path is to be replaced; infinite where nothing limits it. */
export function renewAt({ low, asked, attachedAt, circuit }: PathView): number {
  if (low) return Number.NEGATIVE_INFINITY
  const askedAt = asked === 'byPeer' ? attachedAt + ASKED_RENEWAL_AGE_MS : Number.POSITIVE_INFINITY
  return Math.min(askedAt, circuit?.renewAt ?? Number.POSITIVE_INFINITY)
}
