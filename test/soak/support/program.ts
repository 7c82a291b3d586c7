// A program of this folder as a process of its own, asked over IPC.
import { type ChildProcess, fork, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Host } from '../../natlab/index.ts'
import type { Answered, Commands } from './parent.ts'

// The sources have syntax that Node by itself does not strip.
const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', '--expose-gc']
const stdio: StdioOptions = ['ignore', 'inherit', 'inherit', 'ipc']

export interface Program<C extends Commands> {
  readonly child: ChildProcess
  ask<N extends keyof C & string>(name: N, ...argument: Parameters<C[N]>): Promise<Awaited<ReturnType<C[N]>>>
  /** Lets go of it: from now on only what it holds itself keeps it alive. Resolves with its exit code when it ends. */
  exits(timeoutMs: number): Promise<number | string>
}

/** Killed with the test that started it. With a host of the lab, there. */
export function startProgram<C extends Commands>(name: string, args: string[] = [], host?: Host): Program<C> {
  const path = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
  const child =
    host == null
      ? fork(path, args, { execArgv: flags, stdio })
      : host.spawn(process.execPath, [...flags, path, ...args], { stdio, env: { ...process.env, NODE_OPTIONS: '' } })
  const asked = new Map<number, PromiseWithResolvers<unknown>>()
  const ended = once(child, 'exit')
  void ended.then(([code, signal]) => {
    for (const { reject } of asked.values()) reject(new Error(`${name} ended with ${signal ?? code}`))
  })
  child.on('message', ({ id, result, error }: Answered) => {
    const answer = asked.get(id)
    asked.delete(id)
    if (error == null) answer?.resolve(result)
    else answer?.reject(new Error(`in ${name}: ${error}`))
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let ids = 0
  return {
    child,
    async ask(command, argument) {
      const id = ids++
      const answer = Promise.withResolvers<unknown>()
      asked.set(id, answer)
      child.send({ id, name: command, argument })
      // biome-ignore lint/suspicious/noExplicitAny: JSON of what the command returned
      return answer.promise as Promise<any>
    },
    async exits(timeoutMs) {
      if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      const [code, signal] = await ended
      clearTimeout(timer)
      return signal ?? code
    }
  }
}
