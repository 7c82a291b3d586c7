/** The only place that touches a carrier: session stream, budget, health. */
export { CircuitBudget, SETUP_BYTES } from './budget.ts'
export { type EndOfTask, endOfTask } from './end-of-task.ts'
export { PathOverflowError, PathTruncatedError } from './errors.ts'
export { assess, type Health, type HealthInput, type HealthLimits } from './health.step.ts'
export { pathKind } from './kind.ts'
export {
  type CarrierConnection,
  type CarrierStream,
  type PathHandler,
  SessionPath,
  type SessionPathInit,
  type SessionPathStatus
} from './path.ts'
export { renewBelowBytes, renewBelowMs } from './renewal.step.ts'
export { Share } from './share.ts'
export type { ObservedLimits, PathBudget, PathKind } from './types.ts'
