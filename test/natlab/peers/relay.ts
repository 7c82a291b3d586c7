// The project's own relay, with STUN, as a process on a public host of the lab.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Host } from '../index.ts'

export interface LabRelay {
  /** For `relays`. */
  readonly multiaddrs: string[]
  /** For `stunServers`. */
  readonly stunUrl: string
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 30_000
const script = fileURLToPath(new URL('../../../relay-server/cli.ts', import.meta.url))

/** Resolves when it listens, on free ports of the host's address. */
export async function startLabRelay(host: Host): Promise<LabRelay> {
  const { address } = host
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-relay-'))
  const args = ['--json', '--exit-on-stdin-close', `--host=${address}`, '--port=0', '--stun-port=0']
  const child = host.spawn(process.execPath, [script, ...args, `--identity=${join(directory, 'identity.key')}`], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout as Readable })
  const line = await Promise.race([
    once(lines, 'line', { signal: AbortSignal.timeout(START_TIMEOUT_MS) }).then(([text]) => text as string),
    exited.then(([code, signal]) => {
      throw new Error(`The relay in the lab ended with ${signal ?? `code ${code}`} before it listened`)
    })
  ])
  const { multiaddrs, stun } = JSON.parse(line) as { multiaddrs: string[]; stun: { port: number } }
  return {
    multiaddrs,
    stunUrl: `stun:${address}:${stun.port}`,
    async stop() {
      child.kill('SIGTERM')
      await exited
      await rm(directory, { recursive: true, force: true })
    }
  }
}
