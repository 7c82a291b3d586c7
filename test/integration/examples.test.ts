// The programs of examples/ as people run them, in processes of their own over a real relay.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Example, startExample } from '../support/example.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { randomBytes, sha256 } from '../support/transfer.ts'

const root = join(import.meta.dirname, '..', '..')

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

function start(name: string, ...args: string[]): Example {
  const example = startExample(name, relay.multiaddrs[0]!, ...args)
  running.push(example)
  return example
}

async function seen(text: () => string, wanted: string | RegExp): Promise<void> {
  await vi.waitFor(() => expect(text()).toMatch(wanted), { timeout: 20_000, interval: 50 })
}

/** Everybody is told on the terminal what the other side has to type. */
async function peerIdOf({ err }: Example): Promise<string> {
  await seen(err, /--relay \S+ \w+.*\n/)
  return /--relay \S+ (\w+)/.exec(err())![1]!
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-example-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

describe('examples/request-response.ts', () => {
  test('takes 30 lines', async () => {
    const text = await readFile(join(root, 'examples', 'request-response.ts'), 'utf8')
    const code = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('//'))
    expect(code.length).toBeLessThanOrEqual(30)
  })

  test('answers what it knows, and says so when it does not', async () => {
    const server = start('request-response.ts', '--serve')
    const peerId = await peerIdOf(server)

    const [known, unknown] = [
      start('request-response.ts', peerId, '/shout', 'hello'),
      start('request-response.ts', peerId, '/whisper', 'hello')
    ]
    expect(await known.exited).toEqual([0, null])
    expect(await unknown.exited).toEqual([0, null])
    expect(JSON.parse(known.out())).toEqual({ status: 200, body: 'HELLO' })
    expect(JSON.parse(unknown.out())).toEqual({ status: 404 })
  })
})

describe('examples/gossip-chat.ts', () => {
  test('carries lines to whoever is linked with somebody of the topic', async () => {
    const middle = start('gossip-chat.ts', '--topic', 'tea')
    const peerId = await peerIdOf(middle)
    const [left, right] = [peerId, peerId].map((id) => start('gossip-chat.ts', '--topic', 'tea', id)) as [
      Example,
      Example
    ]
    const names = (await Promise.all([left, middle, right].map(peerIdOf))).map((id) => id.slice(-6))
    await seen(left.err, `${names[1]} is in the chat`)
    await seen(right.err, `${names[1]} is in the chat`)
    await seen(middle.err, `${names[0]} is in the chat`)
    await seen(middle.err, `${names[2]} is in the chat`)

    // These two have no link with each other.
    left.child.stdin.write('hello\n')
    await seen(right.out, `${names[0]}: hello\n`)
    middle.child.stdin.write('hello from the middle\n')
    await seen(left.out, `${names[1]}: hello from the middle\n`)
    // The last line is still on its way when the input ends.
    right.child.stdin.end('bye\n')
    expect(await right.exited).toEqual([0, null])
    await seen(left.out, `${names[2]}: bye\n`)

    left.child.kill('SIGINT')
    middle.child.stdin.end()
    expect(await left.exited).toEqual([0, null])
    expect(await middle.exited).toEqual([0, null])
    expect(middle.out()).toBe(`${names[0]}: hello\n${names[2]}: bye\n`)
  })
})

describe('examples/file-drop.ts', () => {
  /** More than a link buffers: the sender has to wait for the receiver. */
  const content = randomBytes(5_000_000)

  async function startDrop(...args: string[]) {
    const folder = await temporaryFolder()
    const into = join(folder, 'a', 'b')
    await mkdir(into, { recursive: true })
    const file = join(folder, 'content.bin')
    await writeFile(file, content)
    const receiver = start('file-drop.ts', '--into', into, ...args)
    return { folder, into, file, receiver, peerId: await peerIdOf(receiver) }
  }

  test('carries 5 MB, and both sides say that they have the same', async () => {
    const { into, file, receiver, peerId } = await startDrop()
    const sender = start('file-drop.ts', peerId, file)
    expect(await sender.exited).toEqual([0, null])
    expect(sender.err()).toMatch(/content\.bin: [01] % of 5000000 bytes/)
    expect(sender.err()).toContain('content.bin: 100 % of 5000000 bytes')
    expect(sender.err()).toContain(`content.bin is there, SHA-256 ${sha256(content)}`)
    await seen(receiver.err, `content.bin is there, SHA-256 ${sha256(content)}`)
    expect(await readdir(into)).toEqual(['content.bin'])
    expect(sha256(await readFile(join(into, 'content.bin')))).toBe(sha256(content))

    // A file that is there already is not replaced, and nothing is left of the attempt.
    await writeFile(file, 'something else')
    const again = start('file-drop.ts', peerId, file)
    expect(await again.exited).toEqual([1, null])
    expect(again.err()).toContain('Not sent: it cannot be stored there')
    expect(await readdir(into)).toEqual(['content.bin'])
    expect(sha256(await readFile(join(into, 'content.bin')))).toBe(sha256(content))

    receiver.child.kill('SIGINT')
    expect(await receiver.exited).toEqual([0, null])
  })

  test('refuses names that lead out of the folder, and files that are too large', async () => {
    const { folder, into, file, receiver, peerId } = await startDrop('--max-bytes', '4999999')
    const names = ['../../x', '..\\..\\x']
    const note = join(folder, 'note.txt')
    await writeFile(note, 'small enough')
    const [large, ...tricks] = [
      start('file-drop.ts', peerId, file),
      ...names.map((name) => start('file-drop.ts', '--name', name, peerId, note))
    ]
    expect(await large!.exited).toEqual([1, null])
    expect(large!.err()).toContain('Not sent: content.bin has 5000000 bytes')
    for (const [i, { exited, err }] of tricks.entries()) {
      expect(await exited).toEqual([1, null])
      expect(err()).toContain(`Not sent: ${JSON.stringify(names[i])} is not the plain name of a file`)
    }
    expect((await readdir(folder, { recursive: true })).sort()).toEqual([
      'a',
      join('a', 'b'),
      'content.bin',
      'note.txt'
    ])

    // It goes on receiving.
    const small = start('file-drop.ts', '--name', 'x', peerId, note)
    expect(await small.exited).toEqual([0, null])
    expect(await readFile(join(into, 'x'), 'utf8')).toBe('small enough')
    expect(receiver.err()).toContain('Refused: "../../x"')
  })
})
