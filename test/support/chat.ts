// examples/chat.ts as a person runs it in a terminal.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The example imports the package by name, which means what was built last; tests mean the source. */
const fromSource = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  const source = ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
  registerHooks({ resolve: (name, context, next) => next(name === 'libp2p-holdfast' ? source : name, context) })
`)}`

// The sources have syntax that Node by itself does not strip.
const node = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', '--import', fromSource]

export interface Chat {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** What it wrote so far. */
  readonly out: () => string
  readonly err: () => string
  readonly exited: Promise<unknown[]>
}

export function startChat(relay: string, ...args: string[]): Chat {
  const child = spawn(process.execPath, [...node, 'examples/chat.ts', '--relay', relay, ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe']
  })
  const exited = once(child, 'exit')
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  return { child, out: () => out, err: () => err, exited }
}
