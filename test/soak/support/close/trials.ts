// Two processes, one that dials and one that listens; what was sent by the one is counted by what the other reads.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { percentile } from '../soak.ts'
import type { PeerSetup } from './nodes.ts'
import type { Command, Report, Shape } from './program.ts'

/** The sources have syntax that Node by itself does not strip. */
const FLAGS = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']

/** What closing reported as delivered is there long before. */
const DELIVERY_TIMEOUT_MS = 10_000

/** Answering nodes that are used once are started so many at a time. */
const NODES_AT_ONCE = 20

export interface Trials {
  readonly dialler: PeerSetup
  readonly listener: PeerSetup
  readonly shape: Shape
  readonly trials: number
  /** Nodes that dial at the same time. */
  readonly diallers: number
}

export interface Outcome {
  readonly trials: number
  readonly delivered: number
  /** Trials whose message was not read, each with what is known of it. */
  readonly lost: string[]
  /** Errors of closing. */
  readonly closeErrors: string[]
  readonly closeMsP50: number
  readonly closeMsMax: number
  readonly trialsPerSecond: number
}

export class Processes {
  readonly #dialler: Child
  readonly #listener: Child
  #nextId = 1

  constructor(caFile?: string) {
    const env = caFile == null ? process.env : { ...process.env, NODE_EXTRA_CA_CERTS: caFile }
    this.#dialler = new Child(env)
    this.#listener = new Child(env)
  }

  /** @throws when one of the processes ends meanwhile */
  run(trials: Trials): Promise<Outcome> {
    return Promise.race([this.#run(trials), this.#dialler.died, this.#listener.died])
  }

  async #run({ dialler, listener, shape, trials, diallers }: Trials): Promise<Outcome> {
    const tally = new Tally(this.#nextId, trials)
    this.#dialler.onReport = (report) => tally.add(report)
    this.#listener.onReport = (report) => tally.add(report)
    const oneNodeEach = shape.stops === true && shape.closes === 'answer'
    const from = performance.now()
    for (let done = 0; done < trials; ) {
      const round = oneNodeEach ? Math.min(NODES_AT_ONCE, trials - done) : trials
      const { addresses } = await this.#listener.ask(
        { type: 'listen', setup: listener, shape, count: oneNodeEach ? round : 1 },
        'listening'
      )
      const firstId = this.#nextId
      this.#nextId += round
      await this.#dialler.ask(
        { type: 'run', setup: dialler, shape, addresses, firstId, trials: round, diallers },
        'ran'
      )
      await tally.settled(this.#nextId)
      await this.#listener.ask({ type: 'stop' }, 'stopped')
      done += round
    }
    return tally.outcome(performance.now() - from)
  }

  end(): void {
    this.#dialler.end()
    this.#listener.end()
  }
}

class Child {
  onReport: (report: Report) => void = () => {}
  /** Rejects when the process ends. */
  readonly died: Promise<never>
  readonly #process: ChildProcess

  constructor(env: NodeJS.ProcessEnv) {
    const program = fileURLToPath(new URL('./program.ts', import.meta.url))
    this.#process = fork(program, { execArgv: FLAGS, env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#process.on('message', (report: Report) => this.onReport(report))
    this.died = new Promise((_resolve, reject) => {
      this.#process.once('exit', (code, signal) =>
        reject(new Error(`the process ended with ${signal ?? `code ${code}`}`))
      )
    })
    this.died.catch(() => {})
  }

  ask<T extends Report['type']>(command: Command, type: T): Promise<Extract<Report, { type: T }>> {
    const { promise, resolve } = Promise.withResolvers<Extract<Report, { type: T }>>()
    const child = this.#process
    const onMessage = (report: Report): void => {
      if (report.type === type) resolve(report as Extract<Report, { type: T }>)
    }
    child.on('message', onMessage)
    child.send(command)
    return promise.finally(() => child.off('message', onMessage))
  }

  end(): void {
    this.#process.kill('SIGKILL')
  }
}

class Tally {
  readonly #firstId: number
  readonly #trials: number
  readonly #received = new Set<number>()
  readonly #failed = new Map<number, string>()
  readonly #unread: string[] = []
  readonly #closeErrors: string[] = []
  readonly #closeMs: number[] = []
  #onReceived: () => void = () => {}

  constructor(firstId: number, trials: number) {
    this.#firstId = firstId
    this.#trials = trials
  }

  add(report: Report): void {
    if (report.type === 'received') {
      this.#received.add(report.id)
      this.#onReceived()
    } else if (report.type === 'unread') {
      this.#unread.push(report.error)
    } else if (report.type === 'failed') {
      this.#failed.set(report.id, report.error)
    } else if (report.type === 'closed') {
      this.#closeMs.push(report.ms)
      if (report.error != null) this.#closeErrors.push(`${report.id}: ${report.error}`)
    }
  }

  /** When everything up to this id was read, or will not be any more. */
  async settled(endId: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, DELIVERY_TIMEOUT_MS)
    this.#onReceived = () => {
      if (this.#received.size >= endId - this.#firstId) resolve()
    }
    this.#onReceived()
    await promise
    clearTimeout(timer)
  }

  outcome(ms: number): Outcome {
    const lost: string[] = []
    for (let id = this.#firstId; id < this.#firstId + this.#trials; id++) {
      if (!this.#received.has(id)) lost.push(`${id}: ${this.#failed.get(id) ?? 'sent, not read'}`)
    }
    if (lost.length > 0) lost.push(...this.#unread)
    return {
      trials: this.#trials,
      delivered: this.#received.size,
      lost,
      closeErrors: this.#closeErrors,
      closeMsP50: percentile(this.#closeMs, 0.5),
      closeMsMax: percentile(this.#closeMs, 1),
      trialsPerSecond: this.#trials / (ms / 1_000)
    }
  }
}
