// Where relays' limits are met: two peers behind NATs of their own without UDP, so that there is no direct path, a stock
// relay on the public segment, and wires that take time.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createLab, type Host, type Lab, whyNoLab } from '../../../natlab/index.ts'
import { endPeers } from '../../../natlab/peers/index.ts'
import { type CircuitAsked, circuitsOf } from '../../../support/renewals.ts'

const RTT_MS = 30
const RELAY_PORT = 4001
const START_TIMEOUT_MS = 30_000
const script = fileURLToPath(new URL('../../../support/stock-relay.ts', import.meta.url))

/** Per circuit; what a stock relay has by default if left out. */
export interface Limits {
  readonly bytes?: number
  readonly seconds?: number
}

export interface Place {
  readonly hosts: readonly [Host, Host]
  readonly relays: string[]
  /** Asked of the relay so far. */
  circuits(): CircuitAsked[]
  close(): Promise<void>
}

export const whyNot = await whyNoLab()
if (whyNot != null) console.warn(`skipped, no network lab: ${whyNot}`)

export async function createPlace(limits: Limits = {}): Promise<Place> {
  const lab = await createLab({ congestion: 'cubic' })
  try {
    const relay = await startStockRelay(await lab.host({ name: 'relay' }), limits)
    const hosts = [await hostIn(lab, 'a'), await hostIn(lab, 'b')] as const
    return {
      hosts,
      relays: [relay.multiaddr],
      circuits: () => circuitsOf(relay),
      async close() {
        await endPeers(...hosts)
        await relay.stop().finally(() => lab.close())
      }
    }
  } catch (err) {
    await lab.close()
    throw err
  }
}

async function hostIn(lab: Lab, name: string): Promise<Host> {
  const host = await lab.host({ name, behind: await lab.nat(), impair: { delayMs: RTT_MS / 4 } })
  await host.cut({ only: 'udp' })
  return host
}

interface StockRelay {
  readonly multiaddr: string
  readonly stderr: string
  stop(): Promise<void>
}

async function startStockRelay(host: Host, { bytes, seconds }: Limits): Promise<StockRelay> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-relay-'))
  const args = [
    `--identity=${join(directory, 'identity.key')}`,
    `--host=${host.address}`,
    `--port=${RELAY_PORT}`,
    '--tell',
    ...(bytes == null ? [] : [`--limit-bytes=${bytes}`]),
    ...(seconds == null ? [] : [`--limit-seconds=${seconds}`])
  ]
  const child = host.spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const lines = createInterface({ input: child.stdout as Readable })
  const line = await Promise.race([
    once(lines, 'line', { signal: AbortSignal.timeout(START_TIMEOUT_MS) }).then(([text]) => text as string),
    exited.then(() => {
      throw new Error(`The stock relay ended before it listened:\n${stderr}`)
    })
  ])
  const { peerId } = JSON.parse(line) as { peerId: string }
  return {
    // It announces no public address that nobody has verified.
    multiaddr: `/ip4/${host.address}/tcp/${RELAY_PORT}/ws/p2p/${peerId}`,
    get stderr() {
      return stderr
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
      await rm(directory, { recursive: true, force: true })
    }
  }
}
