// Starts peer.ts and asks it things. It ends when this process does, however that ends: its IPC channel closes then.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Story {
  /** How many there have been. */
  links: number
  /** Whether the first one is what `links.get` answers. */
  isCurrent: boolean
  status: string
  history: Array<{ at: number; to: string; cause: string }>
  paths: Array<{ kind: string; role: string; openedAt: number }>
  /** Streams that ended, and how. */
  ended: string[]
}

export interface Question {
  peerId: undefined
  /** Only the PeerId: the peer has to be found at its relay. */
  dial: string
  say: string
  startStream: number
  endStream: undefined
  story: undefined
}

export interface Answer {
  peerId: string
  dial: undefined
  /** The round-trip time in ms. */
  say: number
  startStream: undefined
  /** The numbers that came back, in the order in which they did. */
  endStream: number[]
  story: Story
}

export interface PeerProcess {
  ask<K extends keyof Question>(
    name: K,
    ...argument: Question[K] extends undefined ? [] : [Question[K]]
  ): Promise<Answer[K]>
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 60_000

// The sources have syntax that Node by itself does not strip.
const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']

export async function startPeer(upgrade: 'auto' | 'never', relays: string[], stunUrl: string): Promise<PeerProcess> {
  const script = fileURLToPath(new URL('./peer.ts', import.meta.url))
  const child = spawn(process.execPath, [...flags, script, upgrade, relays.join(','), stunUrl], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '' }
  })
  const exited = once(child, 'exit')
  const waiting = new Map<number, (message: { result?: unknown; error?: string }) => void>()
  let lastId = 0
  try {
    await once(child, 'message', { signal: AbortSignal.timeout(START_TIMEOUT_MS) })
  } catch (err) {
    child.kill('SIGKILL')
    throw new Error('The peer did not start', { cause: err })
  }
  child.on('message', (message: { id: number; result?: unknown; error?: string }) => {
    waiting.get(message.id)?.(message)
    waiting.delete(message.id)
  })
  child.on('exit', (code) => {
    for (const settle of waiting.values()) settle({ error: `the peer ended with code ${code}` })
  })
  return {
    ask(name, ...[argument]) {
      const id = ++lastId
      return new Promise((resolve, reject) => {
        waiting.set(id, ({ result, error }) => {
          if (error == null) resolve(result as never)
          else reject(new Error(error))
        })
        child.send({ id, name, argument })
      })
    },
    async stop() {
      child.kill('SIGKILL')
      await exited
    }
  }
}
