// The one process that holds a lab together: every namespace, wire and process of the lab ends with it, and it ends with
// us, however we end.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { LabClosedError, LabError, LabUnavailableError } from './errors.ts'

// Beside us in the sources; the built package keeps it where the sources have it.
const folder = ['./helper/', '../../../test/natlab/helper/']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path))

/** Python with nothing of its user's: no site packages, no environment, no files written. */
const isolated = ['-I', '-S', '-B']

export interface HelperOptions {
  seed: number
  prefix: string
  congestion?: string
}

interface Answer {
  id?: number
  pid?: number
  python?: string
  ready?: boolean
  result?: unknown
  error?: string
  cause?: string
  remedy?: string
}

interface Waiting {
  resolve: (result: unknown) => void
  reject: (error: Error) => void
}

function helperFolder(): string {
  if (process.platform !== 'linux') {
    throw new LabUnavailableError(
      `A network lab is built of Linux namespaces, and this is ${process.platform}: run it on Linux, in a virtual machine for example`
    )
  }
  if (folder == null)
    throw new LabUnavailableError('The helper of the network lab is missing: install the package again')
  return folder
}

function unavailable(cause: string, remedy: string): LabUnavailableError {
  return new LabUnavailableError(`There can be no network lab here: ${cause}. Remedy: ${remedy}`)
}

export class Helper {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #exited: Promise<unknown>
  #lastId = 0
  #pid = 0
  #python = ''
  /** Why it answers no more. */
  #gone = ''

  private constructor(way: 'user' | 'root', options: HelperOptions) {
    const json = JSON.stringify(options)
    this.#process = spawn('python3', [...isolated, helperFolder(), 'lab', way, json], {
      cwd: '/',
      stdio: ['pipe', 'pipe', 'inherit']
    })
    this.#exited = new Promise((resolve) => this.#process.once('close', resolve))
    this.#process.stdin?.on('error', () => {})
  }

  static async start(options: HelperOptions): Promise<Helper> {
    try {
      return await new Helper('user', options).#ready()
    } catch (error) {
      // Where user namespaces are forbidden, root can do without.
      if (!(error instanceof LabUnavailableError) || process.getuid?.() !== 0) throw error
      return await new Helper('root', options).#ready()
    }
  }

  async #ready(): Promise<Helper> {
    const { promise, resolve, reject } = Promise.withResolvers<Helper>()
    this.#process.once('error', (error) => {
      reject(new LabUnavailableError(`A network lab needs python3 on the PATH: install it (${error.message})`))
    })
    void this.#exited.then(() => {
      this.#gone ||= 'The network lab ended by itself: the message of its helper is above'
      reject(new LabUnavailableError('The helper of the network lab ended at its start: its message is above'))
      for (const { reject: give } of this.#waiting.values()) give(new LabClosedError(this.#gone))
      this.#waiting.clear()
    })
    // Two processes write these, and either may be first.
    let isReady = false
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer
      if (answer.pid != null || answer.ready) {
        if (answer.pid != null) this.#found(answer.pid, answer.python!)
        isReady ||= answer.ready === true
        if (isReady && this.#pid !== 0) resolve(this)
      } else if (answer.cause != null) {
        reject(unavailable(answer.cause, answer.remedy!))
      } else this.#settle(answer)
    })
    const helper = await promise
    this.#hold(false)
    return helper
  }

  #found(pid: number, python: string): void {
    this.#pid = pid
    this.#python = python
  }

  #settle({ id, result, error, remedy }: Answer): void {
    const waiting = this.#waiting.get(id!)
    this.#waiting.delete(id!)
    if (this.#waiting.size === 0) this.#hold(false)
    if (error == null) waiting?.resolve(result)
    else waiting?.reject(remedy == null ? new LabError(error) : unavailable(error, remedy))
  }

  /** A lab nobody waits for does not keep its process alive. */
  #hold(alive: boolean): void {
    const { stdin, stdout } = this.#process as unknown as Record<'stdin' | 'stdout', { ref(): void; unref(): void }>
    for (const handle of [this.#process, stdin, stdout]) alive ? handle.ref() : handle.unref()
  }

  request<Result = void>(op: string, args: Record<string, unknown>): Promise<Result> {
    if (this.#gone) return Promise.reject(new LabClosedError(this.#gone))
    const id = ++this.#lastId
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject })
    this.#hold(true)
    this.#process.stdin?.write(`${JSON.stringify({ ...args, id, op })}\n`)
    return promise
  }

  /** The command line that runs another one inside a host's namespaces. */
  enter(network: number, command: string, args: readonly string[]): [string, string[]] {
    if (this.#gone) throw new LabClosedError(this.#gone)
    return [this.#python, [...isolated, helperFolder(), 'enter', String(this.#pid), String(network), command, ...args]]
  }

  async close(): Promise<void> {
    this.#gone ||= 'The network lab is closed'
    this.#hold(true)
    this.#process.stdin?.end()
    await this.#exited
  }
}
