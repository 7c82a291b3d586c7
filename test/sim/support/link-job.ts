import { LinkWorld } from './link/link-world.ts'
import type { Counts } from './shards/job.ts'

export function run(seed: number): Counts {
  return { schedules: 1, ...new LinkWorld(seed, false).run() }
}
