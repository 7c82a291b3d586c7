/** The only place that touches a carrier: session stream, budget, health. */
export type { PathBudget, PathKind } from './types.ts'
export { assess, type Health, type HealthInput, type HealthLimits } from './health.step.ts'
