// The files of the demo page, without the page: real nodes, a real relay process, storage in memory.
import type { PeerId } from '@libp2p/interface'
import { effect } from '@preact/signals'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { MemoryStorage, sourceOf } from '../../browser-demo/src/files/memory.ts'
import { FileTransfers } from '../../browser-demo/src/files/model.ts'
import type { Storage } from '../../browser-demo/src/files/storage.ts'
import type { Transfer } from '../../browser-demo/src/files/transfer.ts'
import type { CreateNodeInit, HoldfastNode, Link } from '../../src/index.ts'
import { startNode, startOwnRelay } from '../support/nodes.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { randomBytes, sha256 } from '../support/transfer.ts'
import { eventually, within } from '../support/wait-for.ts'

const MB = 1_000_000
const MOST_BYTES = 400 * MB

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(() => relay.stop())

interface Page {
  readonly node: HoldfastNode
  readonly files: FileTransfers
  readonly peerId: PeerId
  /** Files it received, the first one first. */
  received(from: Page): Transfer[]
}

async function openPage(init: CreateNodeInit = {}, storage: Storage = new MemoryStorage(MOST_BYTES)): Promise<Page> {
  const node = await startNode({ relays: relay.multiaddrs, upgrade: 'never', ...init })
  const files = new FileTransfers({ storage, openSource: sourceOf })
  await files.attach(node)
  return {
    node,
    files,
    peerId: node.peerId,
    received: (from) =>
      files
        .of(from.peerId)
        .value.filter(({ direction }) => direction === 'in')
        .toReversed()
  }
}

async function openPages(init?: CreateNodeInit): Promise<[Page, Page, Link]> {
  const [a, b] = await Promise.all([openPage(init), openPage(init)])
  return [a, b, await a.node.services.links.dial(b.peerId)]
}

const fileOf = (bytes: Uint8Array, name = 'photo.raw'): File => new File([bytes as Uint8Array<ArrayBuffer>], name)

/** Resolves as soon as the transfer is as the check wants it. */
function until(what: string, transfer: Transfer, check: (transfer: Transfer) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  // Reading the signals in the check subscribes to them.
  const stop = effect(() => {
    if (check(transfer)) resolve()
  })
  const story = (): string => `${what}: ${JSON.stringify(transfer.state.value)}, ${transfer.storedBytes.value} stored`
  return within(30_000, what, promise)
    .catch(() => {
      throw new Error(story())
    })
    .finally(stop)
}

const isOver = (transfer: Transfer): boolean => transfer.isOver.value
const isPartlyThere = ({ storedBytes, sizeBytes }: Transfer): boolean =>
  storedBytes.value > sizeBytes / 10 && storedBytes.value < sizeBytes

async function nextReceived(page: Page, from: Page): Promise<Transfer> {
  await eventually('a file that comes in', () => page.received(from).length > 0)
  return page.received(from)[0]!
}

async function expectIntact(transfer: Transfer, bytes: Uint8Array): Promise<void> {
  const hash = sha256(bytes)
  await until('done', transfer, isOver)
  expect(transfer.state.value).toEqual({ status: 'done', digests: { ours: hash, theirs: hash } })
  if (transfer.direction === 'out') return
  const contents = new Uint8Array(await transfer.contents.value!.arrayBuffer())
  expect(sha256(contents)).toBe(hash)
}

describe('files of the demo', () => {
  it('20 MB each way at once arrive, and both ends know the SHA-256 that both computed', async () => {
    const [a, b] = await openPages()
    const [fromA, fromB] = [randomBytes(20 * MB, 1), randomBytes(20 * MB, 2)]
    const [outA, outB] = [a.files.send(b.peerId, fileOf(fromA)), b.files.send(a.peerId, fileOf(fromB))]

    await Promise.all([expectIntact(outA, fromA), expectIntact(outB, fromB)])
    await expectIntact(await nextReceived(b, a), fromA)
    await expectIntact(await nextReceived(a, b), fromB)
    expect(a.files.traffic(b.peerId)).toEqual({ sentBytes: 20 * MB, arrivedBytes: 20 * MB })
  })

  it('an empty file arrives too', async () => {
    const [a, b] = await openPages()
    const sent = a.files.send(b.peerId, fileOf(new Uint8Array(0), 'empty'))
    await expectIntact(sent, new Uint8Array(0))
    await expectIntact(await nextReceived(b, a), new Uint8Array(0))
  })

  it('more files than go at once all arrive', async () => {
    const [a, b] = await openPages()
    const files = Array.from({ length: 10 }, (_, i) => randomBytes(100_000 + i, i + 1))
    const sent = files.map((bytes, i) => a.files.send(b.peerId, fileOf(bytes, `file ${i}`)))
    await Promise.all(sent.map((transfer, i) => expectIntact(transfer, files[i]!)))
    expect(b.received(a)).toHaveLength(10)
  })

  it.each(['the sender', 'the receiver'])('%s cancels: both ends say so, and other files go on', async (who) => {
    const [a, b] = await openPages()
    const other = randomBytes(5 * MB, 7)
    const sent = a.files.send(b.peerId, fileOf(randomBytes(40 * MB)))
    const received = await nextReceived(b, a)
    await until('on its way', received, isPartlyThere)
    const alongside = a.files.send(b.peerId, fileOf(other))

    if (who === 'the sender') a.files.cancel(sent)
    else b.files.cancel(received)
    await Promise.all([until('over', sent, isOver), until('over', received, isOver)])
    const [byUs, byThem] = who === 'the sender' ? [sent, received] : [received, sent]
    expect(byUs.state.value).toMatchObject({ status: 'cancelled', by: 'us' })
    expect(byThem.state.value).toMatchObject({ status: 'cancelled', by: 'them' })
    await expectIntact(alongside, other)
    expect(received.contents.value).toBeUndefined()
  })

  it('a file goes on over a new link where the old one left it', async () => {
    const [a, b, link] = await openPages()
    const bytes = randomBytes(40 * MB, 3)
    const sent = a.files.send(b.peerId, fileOf(bytes))
    const received = await nextReceived(b, a)
    await until('on its way', sent, isPartlyThere)
    const before = sent.storedBytes.value
    const told = record(() => sent.storedBytes.value)

    link.abort(new Error('taken away by the test'))
    await expectIntact(sent, bytes)
    await expectIntact(received, bytes)
    expect(a.node.services.links.get(b.peerId)).not.toBe(link)
    expect(Math.min(...told), 'nothing starts anew').toBe(before)
    expect(b.received(a), 'it is the same file on the list').toHaveLength(1)
  })

  it('it goes on when the receiver takes the link away as well', async () => {
    const [a, b] = await openPages()
    const bytes = randomBytes(40 * MB, 4)
    const sent = a.files.send(b.peerId, fileOf(bytes))
    const received = await nextReceived(b, a)
    await until('on its way', received, isPartlyThere)
    b.node.services.links.get(a.peerId)?.abort(new Error('taken away by the test'))
    await expectIntact(sent, bytes)
    await expectIntact(received, bytes)
  })

  it('while there is no path it waits, and goes on when the relay is back', async () => {
    const ownRelay = await startOwnRelay()
    const relays = ownRelay.multiaddrs
    const [a, b] = await Promise.all([openPage({ relays }), openPage({ relays })])
    const link = await a.node.services.links.dial(b.peerId)
    const bytes = randomBytes(40 * MB, 8)
    const sent = a.files.send(b.peerId, fileOf(bytes))
    await until('on its way', sent, isPartlyThere)
    await ownRelay.kill()
    await until('recovering', sent, () => a.files.linkStatus(b.peerId).value === 'recovering')
    expect(sent.state.value.status, 'nothing is started anew').toBe('running')
    expect(sent.bytesPerSecond.value, 'no rate is shown').toBeUndefined()
    await ownRelay.restart()
    await expectIntact(sent, bytes)
    await expectIntact(b.received(a)[0]!, bytes)
    expect(a.node.services.links.get(b.peerId), 'over the same link').toBe(link)
  })

  it('a link that somebody closed is not dialled again for a file, which goes on with the next one', async () => {
    const [a, b, link] = await openPages({ closeTimeoutMs: 200 })
    const bytes = randomBytes(40 * MB, 5)
    const sent = a.files.send(b.peerId, fileOf(bytes))
    await until('on its way', sent, isPartlyThere)
    await link.close().catch(() => {})
    await until('interrupted', sent, ({ state }) => state.value.status === 'interrupted')
    await eventually('closed on the other side too', () => b.node.services.links.get(a.peerId) == null)
    await b.node.services.links.dial(a.peerId)
    await expectIntact(sent, bytes)
  })

  it('a byte that goes wrong on the disk shows at both ends', async () => {
    const [a, b] = await Promise.all([openPage(), openPage({}, corrupting(new MemoryStorage(MOST_BYTES)))])
    const bytes = randomBytes(2 * MB, 6)
    const sent = a.files.send(b.peerId, fileOf(bytes))
    await until('over', sent, isOver)
    const received = await nextReceived(b, a)
    await until('over', received, isOver)
    expect(sent.isIntact).toBe(false)
    expect(received.isIntact).toBe(false)
    expect(sent.state.value).toMatchObject({ status: 'done', digests: { ours: sha256(bytes) } })
  })

  it('storage that is full ends the file at both ends, with the reason', async () => {
    const [a, b] = await Promise.all([openPage(), openPage({}, new MemoryStorage(1 * MB))])
    const sent = a.files.send(b.peerId, fileOf(randomBytes(2 * MB)))
    await until('over', sent, isOver)
    expect(sent.state.value).toEqual({ status: 'failed', reason: 'the other side could not store it' })
    const received = await nextReceived(b, a)
    expect(received.state.value).toMatchObject({ status: 'failed', reason: expect.stringContaining('remove some') })
  })

  it('a large file waits for a click, and can be declined', async () => {
    const [a, b] = await openPages()
    const bytes = randomBytes(65 * MB)
    const [first, second] = [fileOf(bytes, 'first'), fileOf(bytes, 'second')]
    const [sentFirst, sentSecond] = [a.files.send(b.peerId, first), a.files.send(b.peerId, second)]
    await eventually('both are offered', () => b.received(a).length === 2)
    const named = (name: string): Transfer => b.received(a).find((transfer) => transfer.name === name)!
    expect(named('first').state.value.status).toBe('offered')

    b.files.cancel(named('second'))
    await until('over', sentSecond, isOver)
    expect(sentSecond.state.value).toMatchObject({
      status: 'cancelled',
      by: 'them',
      reason: expect.stringMatching(/want/)
    })
    expect(sentFirst.state.value.status).toBe('offered')
    b.files.accept(named('first'))
    await expectIntact(sentFirst, bytes)
  })

  it('a file that was cancelled while the link was away is over for the other side when it is back', async () => {
    const [a, b, link] = await openPages()
    const sent = a.files.send(b.peerId, fileOf(randomBytes(40 * MB)))
    const received = await nextReceived(b, a)
    await until('on its way', received, isPartlyThere)
    await link.close({ signal: AbortSignal.timeout(100) }).catch(() => {})
    a.files.cancel(sent)
    await a.node.services.links.dial(b.peerId)
    await until('over', received, isOver)
    expect(received.state.value).toMatchObject({ status: 'cancelled', by: 'them' })
  })
})

/** Each value it takes from now on. */
function record<T>(read: () => T): T[] {
  const values: T[] = []
  onTestFinished(
    effect(() => {
      values.push(read())
    })
  )
  return values
}

/** One bit of the first slice flips before it is stored. */
function corrupting(storage: Storage): Storage {
  return {
    async create(sizeBytes) {
      const store = await storage.create(sizeBytes)
      let isFirst = true
      return {
        write(bytes) {
          if (isFirst) bytes[1234]! ^= 1
          isFirst = false
          return store.write(bytes)
        },
        finish: () => store.finish(),
        contents: () => store.contents(),
        remove: () => store.remove()
      }
    }
  }
}
