// Calls into a process of its own, over the channel that `fork` opens.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

// biome-ignore lint/suspicious/noExplicitAny: functions of any kind
type Functions = Record<string, (...args: any[]) => Promise<unknown>>

interface Call {
  readonly id: number
  readonly name: string
  readonly args: unknown[]
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** In the process: answers calls, and ends when whoever started it does. */
export function serve(functions: Functions): void {
  process.on('message', ({ id, name, args }: Call) => {
    functions[name]!(...args).then(
      (value) => process.send!({ id, value } satisfies Answer),
      (err) => process.send!({ id, error: String((err as Error).stack) } satisfies Answer)
    )
  })
  process.on('disconnect', () => process.exit())
}

export interface Program<F extends Functions> {
  readonly call: F
  /** SIGKILL, and waits for that. */
  end(): Promise<void>
}

/** Starts a program that serves these functions. `gc()` is there. */
export function start<F extends Functions>(script: URL): Program<F> {
  // The sources have syntax that Node by itself does not strip.
  const execArgv = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', '--expose-gc']
  const child = fork(script, { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = answers(child)
  let calls = 0
  const call = (name: string, args: unknown[]): Promise<unknown> => {
    const id = calls++
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    waiting.set(id, { resolve, reject })
    child.send({ id, name, args } satisfies Call)
    return promise
  }
  return {
    call: new Proxy({} as F, {
      get:
        (_, name) =>
        (...args: unknown[]) =>
          call(String(name), args)
    }),
    async end() {
      if (child.exitCode != null || child.signalCode != null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }
  }
}

function answers(child: ChildProcess): Map<number, Pick<PromiseWithResolvers<unknown>, 'resolve' | 'reject'>> {
  const waiting = new Map<number, Pick<PromiseWithResolvers<unknown>, 'resolve' | 'reject'>>()
  child.on('message', ({ id, value, error }: Answer) => {
    const call = waiting.get(id)
    waiting.delete(id)
    if (error == null) call?.resolve(value)
    else call?.reject(new Error(error))
  })
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`The process ended with ${signal ?? `code ${code}`}`))
    waiting.clear()
  })
  return waiting
}
