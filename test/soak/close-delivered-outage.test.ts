// Closing while no path is up: what is left to deliver is delivered when one comes back, or its bytes are named.
import type { IdentifyResult } from '@libp2p/interface'
import { describe, expect, it } from 'vitest'
import { type HoldfastNode, type Link, LinkFlushError } from '../../src/index.ts'
import { CONTROL_PROTOCOL } from '../../src/node/control-stream.ts'
import { SESSION_PROTOCOL } from '../../src/wire/index.ts'
import { carriers, startOwnRelay, startPair } from '../support/nodes.ts'
import type { TestRelay } from '../support/relay.ts'
import { randomBytes, SINK, type Sink, sha256, sink } from '../support/transfer.ts'
import { eventually, waitFor, waitForState, within } from '../support/wait-for.ts'
import { record } from './support/soak.ts'

const MESSAGE_BYTES = 50_000
const CLOSE_TIMEOUT_MS = 15_000

/** With nothing left to wait for, a close is a matter of one task. */
const AT_ONCE_MS = 200

interface Outage {
  readonly relay: TestRelay
  readonly nodes: [HoldfastNode, HoldfastNode]
  readonly link: Link
  readonly received: Sink
}

/** Two nodes with a link whose only path died with its relay. */
async function outage(closeTimeoutMs = CLOSE_TIMEOUT_MS): Promise<Outage> {
  const relay = await startOwnRelay()
  const nodes = await startPair(relay.multiaddrs, { upgrade: 'never', closeTimeoutMs })
  const [a, b] = nodes
  const received = await sink(b)
  const opened = waitFor<Link>(b.services.links, 'link:open')
  const identified = nodes.map((node) => waitFor<IdentifyResult>(node, 'peer:identify', isOverLink))
  const link = await a.services.links.dial(b.peerId)
  await Promise.all(identified)
  // Both have told each other who they are: from here on bytes are the test's own.
  for (const { connection } of [link, await opened]) {
    await eventually('the end of identify', () =>
      connection.streams.every(({ protocol }) => protocol === CONTROL_PROTOCOL)
    )
  }
  return { relay, nodes, link, received }
}

function isOverLink({ connection }: IdentifyResult): boolean {
  return connection.multiplexer === SESSION_PROTOCOL
}

async function cut(relay: TestRelay, link: Link): Promise<void> {
  await relay.kill()
  await waitForState(link, 'recovering')
  await eventually('no path', () => link.paths.length === 0)
}

async function msOf(work: Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work
  return performance.now() - from
}

describe('close() of a link without any path', () => {
  it('resolves at once when every stream has ended and nobody lacks anything', async () => {
    const { relay, link, received } = await outage()
    const stream = await link.connection.newStream(SINK)
    stream.send(randomBytes(MESSAGE_BYTES))
    await stream.close()
    await received.result(0)
    await eventually('both ends of the stream', () => stream.status === 'closed')
    await cut(relay, link)
    const ms = await msOf(link.close())
    record('close without a path, nothing left', { ms })
    expect(ms).toBeLessThan(AT_ONCE_MS)
    expect(link.state).toMatchObject({ status: 'closed', reason: undefined })
  })

  it('resolves when what was left has arrived over a path that the peer opened', async () => {
    const { relay, link, received } = await outage()
    const stream = await link.connection.newStream(SINK)
    await cut(relay, link)
    const bytes = randomBytes(MESSAGE_BYTES)
    stream.send(bytes)
    const closed = link.close()
    await relay.restart()
    const ms = await msOf(within(CLOSE_TIMEOUT_MS, 'close', closed))
    record('close without a path, after the relay is back', { ms })
    const { hash, error } = await received.result(0)
    expect(error).toBeUndefined()
    expect(hash).toBe(sha256(bytes))
  })

  it('waits for the end of a stream too: who reads must not take it for cut off', async () => {
    const { relay, link, received } = await outage()
    const stream = await link.connection.newStream(SINK)
    const bytes = randomBytes(MESSAGE_BYTES)
    stream.send(bytes)
    await eventually('all bytes', () => received.bytes === MESSAGE_BYTES)
    await cut(relay, link)
    await stream.close()
    const closed = link.close()
    await relay.restart()
    await within(CLOSE_TIMEOUT_MS, 'close', closed)
    const { hash, error } = await received.result(0)
    expect(error).toBeUndefined()
    expect(hash).toBe(sha256(bytes))
  })

  it('does the same when its node stops, which the peer dials meanwhile', async () => {
    const { nodes } = await outage()
    const [a, b] = nodes
    const received = await sink(a)
    const stream = await b.services.links.get(a.peerId)!.connection.newStream(SINK)
    for (const carrier of carriers(b, a.peerId)) carrier.abort(new Error('cut by the test'))
    const bytes = randomBytes(MESSAGE_BYTES)
    stream.send(bytes)
    stream.close().catch(() => {})
    await within(CLOSE_TIMEOUT_MS, 'stop', Promise.resolve(b.stop()))
    const { hash, error } = await received.result(0)
    expect(error).toBeUndefined()
    expect(hash).toBe(sha256(bytes))
  })

  it('rejects with the number of bytes that did not arrive when its time is over', async () => {
    const closeTimeoutMs = 1_000
    const { relay, link } = await outage(closeTimeoutMs)
    const stream = await link.connection.newStream(SINK)
    await cut(relay, link)
    stream.send(randomBytes(MESSAGE_BYTES))
    stream.close().catch(() => {})
    const from = performance.now()
    const error = await link.close().catch((err: Error) => err)
    const ms = performance.now() - from
    record('close without a path, and none comes', { ms })
    expect(error).toBeInstanceOf(LinkFlushError)
    expect((error as LinkFlushError).unacknowledgedBytes).toBe(MESSAGE_BYTES)
    expect(ms).toBeGreaterThanOrEqual(closeTimeoutMs - 10)
    expect(ms).toBeLessThan(closeTimeoutMs + 500)
    expect(link.state.status).toBe('closed')
  })
})
