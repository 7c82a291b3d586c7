import { runSchedule } from './run-schedule.ts'
import type { Counts } from './shards/job.ts'

export function run(seed: number): Counts {
  return { ...runSchedule(seed) }
}
