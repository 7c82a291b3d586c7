// `npm start -- --lan` as a process, with a certificate and a relay's key of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const script = join(import.meta.dirname, '..', '..', 'scripts', 'start.ts')

/** It is up in 3 s; slow machines are given time. */
const START_TIMEOUT_MS = 60_000

/** Folders for what `npm start` keeps, to be removed at the end. */
export async function freshHome(): Promise<{ env: NodeJS.ProcessEnv; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-start-'))
  return {
    env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: join(folder, 'cache'), XDG_DATA_HOME: join(folder, 'data') },
    remove: () => rm(folder, { recursive: true, force: true })
  }
}

export interface Started {
  /** What it printed. */
  text: string
  /** Of the page. */
  url: string
  /** SHA-256 of the certificate. */
  fingerprint: string
  certificatePath: string
  relay: string
  /** Port of STUN, at the page's host. */
  stunPort: number
  /** Resolves with the exit code. */
  interrupt: () => Promise<number | null>
}

export function spawnStart(args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Everything the process wrote until it ended or, as far as that is given, until `end` was in it. */
export async function output(child: ChildProcess, end?: string): Promise<string> {
  let text = ''
  const done = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (end != null && text.includes(end)) done.resolve()
    })
  }
  await Promise.race([done.promise, once(child, 'close', { signal: AbortSignal.timeout(START_TIMEOUT_MS) })])
  return text
}

export async function startLan(env: NodeJS.ProcessEnv, args: string[] = []): Promise<Started> {
  const child = spawnStart(['--lan', ...args], env)
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = once(child, 'exit')
  const text = await output(child, 'Ctrl-C stops everything.').catch((error) => {
    kill()
    throw error
  })
  const find = (pattern: RegExp): string => {
    const found = pattern.exec(text)?.[1]
    if (found != null) return found
    kill()
    throw new Error(`${pattern} is not in what npm start printed:\n${text}`)
  }
  return {
    text,
    url: find(/open (https:\S+)/),
    fingerprint: find(/SHA-256 ([\dA-F:]+)/),
    certificatePath: find(/kept at (.*)/),
    relay: find(/relay {2}(\S+)/),
    stunPort: Number(find(/STUN {3}stun:\S+:(\d+)/)),
    async interrupt() {
      process.off('exit', kill)
      child.kill('SIGINT')
      const [code] = await exited
      return code
    }
  }
}
