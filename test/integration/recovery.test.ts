// No path is left: the link keeps its streams, finds another way, and gives up when the resume window ends.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { HoldfastNode, Link } from '../../src/index.ts'
import { carriers, startOwnRelay, startPair } from '../support/nodes.ts'
import { ECHO, echo, randomBytes, roundTrip, SINK, sendAll, sha256, sink } from '../support/transfer.ts'
import { eventually, story, waitFor, waitForState, within } from '../support/wait-for.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('a relay that goes away under a link without direct path', () => {
  it('frozen for some seconds: the link recovers on the same circuit, nothing lost', async () => {
    const relay = await startOwnRelay()
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    const received = await sink(b)
    const link = await a.services.links.dial(b.peerId)
    const data = randomBytes(12_000_000, 3)
    const stream = await link.connection.newStream(SINK)
    const sending = sendAll(stream, data)
    await eventually('a part of it at the peer', () => received.bytes > 1_000_000)
    process.kill(relay.pid, 'SIGSTOP')
    try {
      await waitForState(link, 'recovering')
    } finally {
      process.kill(relay.pid, 'SIGCONT')
    }
    await sending
    await stream.close()
    expect(await received.result(0)).toEqual({ bytes: 12_000_000, hash: sha256(data), error: undefined })
    await waitForState(link, 'relayed')
    expect(link.history.map(({ to }) => to)).toEqual(['relayed', 'recovering', 'relayed'])
  })

  it('restarted: the link goes on over another relay, nothing lost', async () => {
    const [first, second] = await Promise.all([startOwnRelay(), startOwnRelay()])
    const [a, b] = await startPair([...first.multiaddrs, ...second.multiaddrs], { upgrade: 'never' })
    await eventually('both nodes reachable through both relays', () => {
      return [a, b].every(
        (node) => node.getMultiaddrs().filter((address) => `${address}`.includes('circuit')).length >= 2
      )
    })
    const received = await sink(b)
    const link = await a.services.links.dial(b.peerId)
    const used = link.paths[0]!.remoteAddr.toString().includes(first.peerId) ? first : second
    const data = randomBytes(12_000_000, 4)
    const stream = await link.connection.newStream(SINK)
    const sending = sendAll(stream, data)
    await eventually('a part of it at the peer', () => received.bytes > 1_000_000)
    const before = performance.now()
    const restarted = used.restart()
    await waitForState(link, 'recovering')
    await waitForState(link, 'relayed')
    console.info(`on another relay after ${(performance.now() - before).toFixed(0)} ms`)
    await sending
    await stream.close()
    await restarted
    expect(await received.result(0)).toEqual({ bytes: 12_000_000, hash: sha256(data), error: undefined })
    expect(link.paths[0]?.remoteAddr.toString()).not.toContain(used.peerId)
    expect(link.history.map(({ to }) => to).slice(0, 3)).toEqual(['relayed', 'recovering', 'relayed'])
  })

  it('restarted, and no other there: both reserve again by themselves, and the link goes on', async () => {
    const relay = await startOwnRelay()
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    const received = await sink(b)
    const link = await a.services.links.dial(b.peerId)
    const data = randomBytes(6_000_000, 6)
    const stream = await link.connection.newStream(SINK)
    const sending = sendAll(stream, data)
    await eventually('a part of it at the peer', () => received.bytes > 1_000_000)
    await relay.restart()
    const before = performance.now()
    await waitForState(link, 'relayed')
    console.info(`on the restarted relay after ${(performance.now() - before).toFixed(0)} ms`)
    await sending
    await stream.close()
    expect(await received.result(0)).toEqual({ bytes: 6_000_000, hash: sha256(data), error: undefined })
    expect(link.history.map(({ to }) => to)).toEqual(['relayed', 'recovering', 'relayed'])
  })

  it('gone for good: after resumeWindowMs every stream ends with LinkExpiredError, and memory is freed', async () => {
    const relay = await startOwnRelay()
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never', resumeWindowMs: 1_500 })
    const received = await sink(b)
    const watched: Array<WeakRef<object>> = []
    await fill(
      a,
      b,
      watched,
      () => received.bytes > 0,
      () => relay.kill()
    )
    expect(a.services.links.all()).toEqual([])
    expect(b.services.links.all()).toEqual([])
    expect((await received.result(0)).error?.name).toBe('LinkExpiredError')
    await eventually('nothing holds the link any more', async () => {
      collectGarbage()
      return watched.every((ref) => ref.deref() == null)
    })
  })
})

/** In a function of its own, so that nothing on the stack of the test keeps the link. */
async function fill(
  a: HoldfastNode,
  b: HoldfastNode,
  watched: Array<WeakRef<object>>,
  hasStarted: () => boolean,
  cut: () => Promise<void>
): Promise<void> {
  const link = await a.services.links.dial(b.peerId)
  const stream = await link.connection.newStream(SINK)
  const data = randomBytes(8_000_000)
  const sending = sendAll(stream, data).catch((err: Error) => err)
  await eventually('bytes at the peer', hasStarted)
  const ended = Promise.all([waitFor(a.services.links, 'link:close'), waitFor(b.services.links, 'link:close')])
  await cut()
  const state = await waitForState(link, 'recovering')
  if (state.status !== 'recovering') throw new Error('not reached')
  const windowMs = state.deadline - Date.now()
  expect(windowMs).toBeGreaterThan(1_000)
  expect(windowMs).toBeLessThanOrEqual(1_500)
  const before = performance.now()
  await ended
  expect(performance.now() - before).toBeLessThan(windowMs + 2_500)
  expect(((await sending) as Error).name).toBe('LinkExpiredError')
  expect(stream.status).toBe('aborted')
  expect(link.state).toMatchObject({ status: 'closed', reason: { name: 'LinkExpiredError' } })
  watched.push(new WeakRef(link), new WeakRef(stream), new WeakRef(link.connection))
}

describe('a circuit with limits', () => {
  async function through(limitBytes: number | undefined, bytes: number): Promise<Link> {
    const relay = await startOwnRelay({ stock: true, limitBytes })
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    const received = await sink(b)
    const link = await a.services.links.dial(b.peerId)
    const data = randomBytes(bytes, 9)
    const before = performance.now()
    const stream = await link.connection.newStream(SINK)
    await sendAll(stream, data, { pieceBytes: 16_384 })
    await stream.close()
    expect(await received.result(0), story(link)).toEqual({ bytes, hash: sha256(data), error: undefined })
    console.info(
      `${bytes} bytes through circuits of ${limitBytes ?? 'stock size'}: ${(performance.now() - before).toFixed(0)} ms`
    )
    return link
  }

  it('of a stock relay (128 KiB) is replaced before it is spent: the link never recovers', async () => {
    const link = await through(undefined, 1_048_576)
    expect(link.history.map(({ to }) => to)).toEqual(['relayed'])
  })

  it('of a relay with half of that is, too', async () => {
    const link = await through(65_536, 300_000)
    expect(link.history.map(({ to }) => to)).toEqual(['relayed'])
  })

  it('by time is replaced as well, under a stream that says something now and then', async () => {
    const relay = await startOwnRelay({ stock: true, limitSeconds: 2 })
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    await echo(b)
    const link = await a.services.links.dial(b.peerId)
    const stream = await link.connection.newStream(ECHO)
    const opened: string[] = []
    link.addEventListener('path:open', ({ detail }) => opened.push(detail.path.id))
    for (let i = 0; opened.length < 2; i++) expect(await roundTrip(stream, `message ${i} `)).toBe(`message ${i} `)
    expect(stream.status).toBe('open')
  })
})

describe('a carrier that is cut off', () => {
  it('the only one, by either side: redialled at once, and streams go on', async () => {
    const relay = await startOwnRelay()
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    await echo(b)
    const link = await a.services.links.dial(b.peerId)
    const stream = await link.connection.newStream(ECHO)
    await roundTrip(stream, 'before')
    for (const [from, to] of [
      [a, b],
      [b, a]
    ] as const) {
      const selected = waitFor(link, 'path:select')
      carriers(from, to.peerId)[0]!.abort(new Error('cut by the test'))
      await within(3_000, 'another path', selected)
      expect(await roundTrip(stream, 'after')).toBe('after')
    }
    expect(link.connection.streams).toContain(stream)
  })
})
