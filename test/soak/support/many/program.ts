// Programs of a test that are processes of their own: they answer questions over IPC, and end when the test does.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

interface Question {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** What a program answers, by the name of the question. */
export type Handlers = Record<string, (argument: never) => unknown>

/** Called once by the program. */
export function serve(handlers: Handlers): void {
  process.once('disconnect', () => process.exit())
  process.on('message', async ({ id, name, argument }: Question) => {
    try {
      process.send?.({ id, result: await handlers[name]!(argument as never) })
    } catch (err) {
      process.send?.({ id, error: (err as Error).stack ?? String(err) })
    }
  })
}

type Argument<F> = F extends (argument: infer A) => unknown ? A : never
type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never

// The sources have syntax that Node by itself does not strip.
const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']

/** The other side of {@link serve}; `H` is the type of the program's handlers. */
export class Program<H> {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #lastId = 0
  #stderr = ''

  static start<H>(script: URL): Program<H> {
    return new Program<H>(fork(script, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: flags }))
  }

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#exited = once(child, 'exit')
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4_000)
    })
    child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error == null) waiting?.resolve(result)
      else waiting?.reject(new Error(error))
    })
    // One that was stopped does not see that we are gone.
    const kill = (): void => void child.kill('SIGKILL')
    process.once('exit', kill)
    child.on('exit', (code, signal) => {
      process.removeListener('exit', kill)
      const error = new Error(`The program ended with ${signal ?? `code ${code}`}:\n${this.#stderr}`)
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    })
  }

  ask<K extends keyof H & string>(name: K, argument: Argument<H[K]>): Promise<Result<H[K]>> {
    const id = ++this.#lastId
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    this.#child.send({ id, name, argument } satisfies Question)
    return waiting.promise as Promise<Result<H[K]>>
  }

  /** SIGKILL: nobody says good-bye. */
  async end(): Promise<void> {
    if (this.#child.exitCode != null || this.#child.signalCode != null) return
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}
