// examples/chat.ts as two people run it, in two processes over a real relay.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Example, startExample } from '../support/example.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'

let relay: TestRelay
const running: Example[] = []

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

function start(...args: string[]): Example {
  const chat = startExample('chat.ts', relay.multiaddrs[0]!, ...args)
  running.push(chat)
  return chat
}

async function seen(text: () => string, wanted: string | RegExp): Promise<void> {
  await vi.waitFor(() => expect(text()).toMatch(wanted), { timeout: 20_000, interval: 50 })
}

/** Somebody who waits and somebody who typed what the first one's terminal said. */
async function startPair(): Promise<[Example, Example]> {
  const waiting = start()
  await seen(waiting.err, /chat\.ts --relay \S+ \w+/)
  const peerId = /You are (\w+)/.exec(waiting.err())?.[1] ?? ''
  const dialling = start(peerId)
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
    const chat = start('12D3KooWHFwQdAaKvLyD2dcVJLe8Yb83NUZ5n2L74w4iH6jMzTqF')

    expect(await chat.exited).toEqual([1, null])
    expect(chat.err()).toContain('NoRouteError')
  })
})
