import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface StartRelayOptions {
  /**
   * Start a plain js-libp2p relay instead of Holdfast's, with stock limits (2 min, 128 KiB, 15 reservations) unless
   * others are given here. It has no STUN.
   */
  stock?: boolean
  /** Bytes per circuit, both directions; 0 for no limit. */
  limitBytes?: number
  /** Seconds per circuit; 0 for no limit. */
  limitSeconds?: number
  maxReservations?: number
  /** IP addresses to listen on, `127.0.0.1` by default. With more than one, give a `port`: any port is one per address. */
  hosts?: string[]
  /** TCP port, any by default. Kept over {@link TestRelay.restart}. */
  port?: number
  /** More command line arguments (see `holdfast-relay --help`). */
  args?: string[]
}

export interface TestRelay {
  readonly peerId: string
  /** Dialable addresses, PeerId included. */
  readonly multiaddrs: string[]
  /** UDP, IPv4 and (where the machine has it) IPv6. `undefined` for stock relays. */
  readonly stunPort: number | undefined
  /** Of the current process; changes with {@link restart}. */
  readonly pid: number
  /** What the current process wrote to standard error so far. */
  readonly stderr: string
  /** Ends the process if it runs (SIGTERM) and starts another with the same ports and identity. */
  restart(): Promise<void>
  /** Ends the process (SIGKILL unless told otherwise) and waits for that. {@link restart} brings it back. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Ends the process (SIGTERM), waits for that, and removes its identity. */
  stop(): Promise<void>
}

/** A relay is up in 1 s; slow machines are given time, hanging ones are not. */
const START_TIMEOUT_MS = 30_000

/**
 * Starts a real relay as a child process, on ports that are free and with an identity of its own, and waits until it
 * listens. The child ends when this process does, however it ends: its standard input closes then.
 *
 * Needs nothing but Node: usable in any test runner.
 */
export async function startRelay(options: StartRelayOptions = {}): Promise<TestRelay> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-relay-'))
  const identity = join(directory, 'identity.key')
  let running: RunningRelay

  try {
    running = await run(relayArguments(options, identity, options.port ?? 0, 0))
  } catch (err) {
    await rm(directory, { recursive: true })
    throw err
  }

  const { port, stunPort } = running

  return {
    get peerId() {
      return running.peerId
    },
    get multiaddrs() {
      return running.multiaddrs
    },
    get pid() {
      return running.pid
    },
    get stderr() {
      return running.stderr()
    },
    stunPort,
    async restart() {
      await running.end('SIGTERM')
      running = await run(relayArguments(options, identity, port, stunPort ?? 0))
    },
    kill: (signal = 'SIGKILL') => running.end(signal),
    async stop() {
      await running.end('SIGTERM')
      await rm(directory, { recursive: true, force: true })
    }
  }
}

function relayArguments(options: StartRelayOptions, identity: string, port: number, stunPort: number): string[] {
  const { stock = false, limitBytes, limitSeconds, maxReservations, hosts = [], args = [] } = options
  const script = stock ? './stock-relay.ts' : '../../relay-server/cli.ts'
  const own = stock ? [] : ['--json', '--exit-on-stdin-close', `--stun-port=${stunPort}`]
  const limits = { 'limit-bytes': limitBytes, 'limit-seconds': limitSeconds, 'max-reservations': maxReservations }

  return [
    fileURLToPath(new URL(script, import.meta.url)),
    ...own,
    `--identity=${identity}`,
    `--port=${port}`,
    ...hosts.map((host) => `--host=${host}`),
    ...Object.entries(limits).flatMap(([name, value]) => (value == null ? [] : [`--${name}=${value}`])),
    ...args
  ]
}

interface RunningRelay {
  peerId: string
  multiaddrs: string[]
  port: number
  stunPort: number | undefined
  pid: number
  stderr(): string
  end(signal: NodeJS.Signals): Promise<void>
}

async function run(args: string[]): Promise<RunningRelay> {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  let stderr = ''

  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await exited
  }

  const timeout = AbortSignal.timeout(START_TIMEOUT_MS)
  const lines = createInterface({ input: child.stdout })

  try {
    const line = await Promise.race([
      once(lines, 'line', { signal: timeout }).then(([line]) => line as string),
      exited.then(([code, signal]) => {
        throw new Error(`The relay ended with ${signal ?? `code ${code}`} before it listened:\n${stderr}`)
      })
    ])
    const { peerId, multiaddrs, stun } = JSON.parse(line) as {
      peerId: string
      multiaddrs: string[]
      stun: { port: number } | null
    }
    const port = Number(/\/tcp\/(\d+)/.exec(multiaddrs[0] ?? '')?.[1])

    return { peerId, multiaddrs, port, stunPort: stun?.port, pid: child.pid!, stderr: () => stderr, end }
  } catch (err) {
    child.kill('SIGKILL')
    throw timeout.aborted ? new Error(`The relay did not listen within ${START_TIMEOUT_MS} ms:\n${stderr}`) : err
  }
}
