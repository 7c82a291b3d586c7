// Starts an agent inside a host and asks it things. It ends when this process or its lab does: its IPC channel closes then.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Host } from '../index.ts'
import type { Answer, Answered, PeerKind, Question, Ready } from './protocol.ts'

/** Two browsers that started at once took 9 s on two busy cores. */
const START_TIMEOUT_MS = 60_000

// The sources have syntax that Node by itself does not strip.
const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']
const script = fileURLToPath(new URL('./agent/agent.ts', import.meta.url))

export class AgentProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #waiting = new Map<number, (answered: Omit<Answered, 'id'>) => void>()
  #lastId = 0

  static async start(host: Host, kind: PeerKind): Promise<AgentProcess> {
    const child = host.spawn(process.execPath, [...flags, script, kind], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '' }
    })
    const agent = new AgentProcess(child)
    const timeout = AbortSignal.timeout(START_TIMEOUT_MS)
    try {
      const ready = await Promise.race([
        once(child, 'message', { signal: timeout }).then(([message]) => message as Ready),
        agent.#exited.then((): Ready => ({ ready: false, error: 'its process ended' }))
      ])
      if (!ready.ready) throw new Error(ready.error)
      return agent
    } catch (err) {
      child.kill('SIGKILL')
      throw new Error(`The ${kind} peer did not start`, { cause: err })
    }
  }

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#exited = once(child, 'exit')
    child.on('message', (message: Answered) => {
      this.#waiting.get(message.id)?.(message)
      this.#waiting.delete(message.id)
    })
    child.on('exit', (code, signal) => {
      for (const settle of this.#waiting.values()) settle({ error: `the agent ended with ${signal ?? `code ${code}`}` })
      this.#waiting.clear()
    })
  }

  /** The channel of one that has may still look open. */
  get #hasEnded(): boolean {
    return this.#child.exitCode != null || this.#child.signalCode != null || !this.#child.connected
  }

  ask<K extends keyof Question>(name: K, argument: Question[K]): Promise<Answer[K]> {
    if (this.#hasEnded) return Promise.reject(new Error('the agent has ended'))
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error == null) resolve(result as Answer[K])
        else reject(new Error(error))
      })
      this.#child.send({ id, name, argument })
    })
  }

  /** Ends the browser in an orderly way, so that it removes its profile. */
  async stop(): Promise<void> {
    if (!this.#hasEnded) {
      await this.ask('stop', undefined).catch(() => {})
      this.#child.kill('SIGKILL')
    }
    await this.#exited
  }
}
