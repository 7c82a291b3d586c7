// A relay in a host of the lab with limits of our choice: the project's own, or a stock one.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Host } from '../../test/natlab/index.ts'

export interface RelayInit {
  /** js-libp2p's own with the limits it has by default: 2 min, 128 KiB. Otherwise the project's, without limits. */
  readonly stock: boolean
}

export interface RelayIn {
  readonly multiaddrs: string[]
  /** Of the project's own; stock relays have none. */
  readonly stunUrl: string | undefined
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 30_000
/** It has a host of its own. */
const PORT = 4001
const programs = {
  own: fileURLToPath(new URL('../../relay-server/cli.ts', import.meta.url)),
  stock: fileURLToPath(new URL('../../test/support/stock-relay.ts', import.meta.url))
}

/** Resolves when it listens. */
export async function startRelayIn(host: Host, { stock }: RelayInit): Promise<RelayIn> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-relay-'))
  const args = [`--host=${host.address}`, `--port=${PORT}`, `--identity=${join(directory, 'identity.key')}`]
  const own = ['--json', '--exit-on-stdin-close', '--stun-port=0', '--limit-bytes=0', '--limit-seconds=0']
  const child = host.spawn(process.execPath, [stock ? programs.stock : programs.own, ...args, ...(stock ? [] : own)], {
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
  const { peerId, stun } = JSON.parse(line) as { peerId: string; stun: { port: number } | null }
  return {
    // As stock libp2p does not announce public addresses that nobody has verified.
    multiaddrs: [`/ip4/${host.address}/tcp/${PORT}/ws/p2p/${peerId}`],
    stunUrl: stun == null ? undefined : `stun:${host.address}:${stun.port}`,
    async stop() {
      child.kill('SIGTERM')
      await exited
      await rm(directory, { recursive: true, force: true })
    }
  }
}
