// The programs of examples/ as a person runs them in a terminal.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const root = join(import.meta.dirname, '..', '..')

/** Examples import the package by name, which means what was built last; tests mean the source. */
const fromSource = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  const source = ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
  registerHooks({ resolve: (name, context, next) => next(name === 'libp2p-holdfast' ? source : name, context) })
`)}`

// The sources have syntax that Node by itself does not strip.
const node = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', '--import', fromSource]

export interface Example {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** What it wrote so far. */
  readonly out: () => string
  readonly err: () => string
  /** When it has ended and all it wrote was read. */
  readonly exited: Promise<unknown[]>
}

export function startExample(example: string, relay: string, ...args: string[]): Example {
  const child = spawn(process.execPath, [...node, join('examples', example), '--relay', relay, ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe']
  })
  const exited = once(child, 'close')
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
