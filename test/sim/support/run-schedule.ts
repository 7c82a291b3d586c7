import type { Stats } from './stats.ts'
import { World } from './world.ts'

/** Runs one schedule; the error of a failure says how to replay it. */
export function runSchedule(seed: number, trace = false): Stats {
  const world = new World(seed, trace ? (line) => console.log(line) : undefined)
  try {
    return world.run()
  } catch (err) {
    const what = err instanceof Error ? err.message : String(err)
    const replay = `HOLDFAST_SEED=${seed} HOLDFAST_TRACE=1 npm run test:sim`
    throw new Error(`Schedule ${seed} at ${world.queue.now.toFixed(2)} ms: ${what}\nReplay: ${replay}`, { cause: err })
  }
}
