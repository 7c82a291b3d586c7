// A display without a screen: headed browsers need one, and no window of a test may cover somebody's desktop.
import { spawn, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

const START_TIMEOUT_MS = 30_000

/** Why headed browsers cannot be had here: the reason to skip a test with. Undefined when they can. */
export function whyNotHeaded(): string | undefined {
  return spawnSync('Xvfb', ['-help']).error == null ? undefined : 'Xvfb is not installed: npm run setup says how'
}

export interface Display {
  /** For the environment: `:4711`. */
  readonly name: string
  stop(): Promise<void>
}

export async function startDisplay(): Promise<Display> {
  // Locks of displays lie in /tmp, which isolated networks share, and name processes that those cannot see: a number that
  // nobody else is going to choose rather than the first one that looks free.
  const name = `:${randomInt(1_000, 60_000)}`
  const child = spawn('Xvfb', [name, '-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe']
  })
  const exited = once(child, 'exit')
  const ready = once(child.stdio[3] as Readable, 'data', { signal: AbortSignal.timeout(START_TIMEOUT_MS) })
  const early = exited.then(([code]) => {
    throw new Error(`Xvfb ended with code ${code} before it was ready`)
  })
  try {
    await Promise.race([ready, early])
  } catch (err) {
    child.kill('SIGKILL')
    throw err
  }
  early.catch(() => {})
  return {
    name,
    async stop() {
      child.kill()
      await exited
    }
  }
}
