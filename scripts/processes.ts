// Child processes that never outlive us: everything the scripts start is started here.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')

const groups = new Set<ChildProcess>()

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid == null) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // It ended in the meantime.
  }
}

let watching = false

/** Groups of their own do not get a terminal's Ctrl-C: hand it on. */
function endWithUs(): void {
  if (watching) return
  watching = true
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      for (const child of groups) killGroup(child, 'SIGKILL')
      process.exit(130)
    })
  }
}

export interface Outcome {
  code: number
  timedOut: boolean
}

export interface RunOptions extends SpawnOptions {
  /** After this the command and everything it started is killed. */
  timeoutMs: number
}

/** Run a command in a process group of its own, streaming its output, and report how it ended. */
export async function run(command: string, args: string[], options: RunOptions): Promise<Outcome> {
  const { timeoutMs, ...rest } = options
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: process.platform !== 'win32',
    ...rest
  })
  endWithUs()
  groups.add(child)
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    killGroup(child, 'SIGKILL')
  }, timeoutMs)
  try {
    return await new Promise((resolve) => {
      child.on('error', (error) => {
        console.error(`${command}: ${error.message}`)
        resolve({ code: 127, timedOut })
      })
      child.on('exit', (code) => resolve({ code: code ?? 1, timedOut }))
    })
  } finally {
    clearTimeout(timer)
    groups.delete(child)
    killGroup(child, 'SIGKILL')
  }
}
