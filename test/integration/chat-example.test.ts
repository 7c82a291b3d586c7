// examples/chat.ts as two people run it, in two processes over a real relay.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { startRelay, type TestRelay } from '../support/relay.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The example imports the package by name, which means what was built last; the test means the source. */
const fromSource = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  const source = ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
  registerHooks({ resolve: (name, context, next) => next(name === 'libp2p-holdfast' ? source : name, context) })
`)}`

interface Chat {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** What it wrote so far. */
  readonly out: () => string
  readonly err: () => string
  readonly exited: Promise<unknown[]>
}

let relay: TestRelay
const running: Chat[] = []

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(async () => {
  await relay?.stop()
})

afterEach(async () => {
  for (const { child, exited } of running.splice(0)) {
    child.kill('SIGKILL')
    await exited
  }
})

function startChat(...args: string[]): Chat {
  const all = ['--import', fromSource, 'examples/chat.ts', '--relay', relay.multiaddrs[0]!, ...args]
  const child = spawn(process.execPath, all, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const chat = { child, out: () => out, err: () => err, exited }
  running.push(chat)
  return chat
}

async function seen(text: () => string, wanted: string | RegExp): Promise<void> {
  await vi.waitFor(() => expect(text()).toMatch(wanted), { timeout: 20_000, interval: 50 })
}

/** Somebody who waits and somebody who typed what the first one's terminal said. */
async function startPair(): Promise<[Chat, Chat]> {
  const waiting = startChat()
  await seen(waiting.err, /chat\.ts --relay \S+ \w+/)
  const peerId = /You are (\w+)/.exec(waiting.err())?.[1] ?? ''
  const dialling = startChat(peerId)
  await seen(dialling.err, `Talking to ${peerId}`)
  await seen(waiting.err, 'Talking to')
  return [waiting, dialling]
}

describe('examples/chat.ts', () => {
  test('carries lines both ways, and Ctrl-D ends both sides', async () => {
    const [waiting, dialling] = await startPair()

    dialling.child.stdin.write('hello\nhow are you?\n')
    await seen(waiting.out, 'hello\nhow are you?\n')
    waiting.child.stdin.write('well, thank you\n')
    await seen(dialling.out, 'well, thank you\n')

    // The last line is still on its way when the input ends.
    dialling.child.stdin.end('bye\n')
    expect(await dialling.exited).toEqual([0, null])
    expect(await waiting.exited).toEqual([0, null])
    expect(waiting.out()).toBe('hello\nhow are you?\nbye\n')
    expect(waiting.err()).toMatch(/^closed/m)
  })

  test('Ctrl-C ends both sides cleanly', async () => {
    const [waiting, dialling] = await startPair()

    waiting.child.kill('SIGINT')
    expect(await waiting.exited).toEqual([0, null])
    expect(await dialling.exited).toEqual([0, null])
  })

  test('ends with an error when nobody is there', async () => {
    const chat = startChat('12D3KooWHFwQdAaKvLyD2dcVJLe8Yb83NUZ5n2L74w4iH6jMzTqF')

    expect(await chat.exited).toEqual([1, null])
    expect(chat.err()).toContain('NoRouteError')
  })
})
