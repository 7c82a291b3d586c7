import { LinkClosedError, UpgradeFailedError, UpgradeForbiddenError } from './errors.ts'
import type { LinkEvent } from './link-events.ts'

/** What the machine hears of an attempt that failed. */
export function failureOf(err: Error): LinkEvent {
  return err instanceof UpgradeForbiddenError
    ? { type: 'upgradeForbidden', reason: err.message }
    : { type: 'upgradeFailed', cause: err.message }
}

/** What whoever asked by `upgrade()` hears of it. */
export function errorOf(err: Error): Error {
  if (err instanceof UpgradeForbiddenError || err instanceof LinkClosedError) return err
  return new UpgradeFailedError(`No direct path: ${err.message}`, { cause: err })
}
