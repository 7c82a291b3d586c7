// What a user of the links service is promised, on real relays and real WebRTC.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Link, LinkFlushError, TooManyLinksError } from '../../src/index.ts'
import { carriers, startNode, startOwnRelay, startPair } from '../support/nodes.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { ECHO, echo, randomBytes, roundTrip, SINK, sendAll, sha256, sink } from '../support/transfer.ts'
import { eventually, waitFor, waitForState, within } from '../support/wait-for.ts'

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(() => relay.stop())

interface Seen {
  readonly type: string
  readonly detail: {
    readonly cause: string
    readonly path?: { readonly kind: string; readonly id: string }
    readonly state?: { readonly status: string }
    readonly previous?: { readonly status: string }
  }
}

function record(link: Link): Seen[] {
  const seen: Seen[] = []
  for (const type of ['link:state', 'path:open', 'path:select', 'path:close'] as const) {
    link.addEventListener(type, ({ detail }) => seen.push({ type, detail: detail as Seen['detail'] }))
  }
  return seen
}

describe('a link', () => {
  it('is found by links.get and links.all of both sides, and tells of its paths', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    const opened = waitFor<Link>(b.services.links, 'link:open')
    const link = await a.services.links.dial(b.peerId)
    expect(a.services.links.get(b.peerId)).toBe(link)
    expect(a.services.links.all()).toEqual([link])
    expect(link.remotePeer.equals(b.peerId)).toBe(true)
    const other = await opened
    expect(b.services.links.get(a.peerId)).toBe(other)
    expect(other.remotePeer.equals(a.peerId)).toBe(true)
    await link.whenDirect()
    expect(link.paths.map(({ kind }) => kind).sort()).toEqual(['relayed', 'webrtc'])
    const direct = link.paths.find(({ kind }) => kind === 'webrtc')!
    expect(direct.role).toBe('active')
    expect(direct.rttMs).toBeGreaterThan(0)
    expect(direct.budget).toBeUndefined()
    expect(direct.sentBytes).toBeGreaterThan(0)
    expect(Math.abs(Date.now() - direct.openedAt)).toBeLessThan(20_000)
    expect(link.paths.find(({ kind }) => kind === 'relayed')?.role).toBe('standby')
  })

  it('goes connecting, relayed, direct, and says why, in history and in events', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    const link = await a.services.links.dial(b.peerId)
    const seen = record(link)
    const ofService: string[] = []
    a.services.links.addEventListener('link:state', ({ detail }) => {
      if (detail.link === link) ofService.push(detail.state.status)
    })
    await link.whenDirect()
    expect(link.history.map(({ from, to }) => `${from}->${to}`)).toEqual(['connecting->relayed', 'relayed->direct'])
    expect(link.history.at(-1)?.cause).toBe('webrtc path answered our probe')
    for (const { at } of link.history) expect(Math.abs(Date.now() - at)).toBeLessThan(20_000)
    expect(seen.find(({ type }) => type === 'path:open')?.detail.path?.kind).toBe('webrtc')
    expect(seen.find(({ type }) => type === 'path:select')?.detail.path?.kind).toBe('webrtc')
    const last = seen.filter(({ type }) => type === 'link:state').at(-1)!
    expect(last.detail.state?.status).toBe('direct')
    expect(last.detail.previous?.status).toBe('relayed')
    expect(ofService.at(-1)).toBe('direct')
    const closed = waitFor<{ path: { kind: string } }>(link, 'path:close', ({ path }) => path.kind === 'webrtc')
    carriers(a, b.peerId, 'webrtc')[0]!.abort(new Error('cut by the test'))
    await closed
  })

  it('whenDirect ends with its signal, with the reason when the link closes, and at once when it is direct', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    const link = await a.services.links.dial(b.peerId)
    await expect(link.whenDirect({ signal: AbortSignal.timeout(50) })).rejects.toThrow()
    expect(link.state.status).toBe('relayed')
    const never = link.whenDirect()
    never.catch(() => {})
    await link.close()
    await expect(never).rejects.toThrow(/closed/)
    const [c, d] = await startPair(relay.multiaddrs)
    const direct = await c.services.links.dial(d.peerId)
    await direct.whenDirect()
    await within(100, 'whenDirect of a direct link', direct.whenDirect())
    await within(100, 'upgrade of a direct link', direct.upgrade())
  })

  it('close() resolves when the peer has every byte, and ends the link at both sides', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    const received = await sink(b)
    const link = await a.services.links.dial(b.peerId)
    const ended = waitFor<Link>(b.services.links, 'link:close')
    const data = randomBytes(1_048_576)
    const stream = await link.connection.newStream(SINK)
    const sending = sendAll(stream, data)
    await sending
    await link.close()
    const { bytes, hash } = await received.result(0)
    expect(bytes).toBe(data.byteLength)
    expect(hash).toBe(sha256(data))
    expect(link.state.status).toBe('closed')
    await ended
    expect(a.services.links.get(b.peerId)).toBeUndefined()
    expect(b.services.links.get(a.peerId)).toBeUndefined()
    await eventually('no carrier at either side', () => {
      return a.getConnections(b.peerId).length === 0 && b.getConnections(a.peerId).length === 0
    })
  })

  it('can be dialled again after it was closed, by either side', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    await echo(b)
    await echo(a)
    for (let round = 0; round < 3; round++) {
      const [from, to] = round % 2 === 0 ? [a, b] : [b, a]
      const link = await from.services.links.dial(to.peerId)
      expect(await roundTrip(await link.connection.newStream(ECHO), `round ${round}`)).toBe(`round ${round}`)
      await link.close()
      await eventually('the link at the other side gone', () => to.services.links.get(from.peerId) == null)
    }
  })

  it('that is being closed, by either side, is not what a dial gives: that is a new one', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    for (const closing of [a, b]) {
      const opened = waitFor<Link>(b.services.links, 'link:open')
      const link = await a.services.links.dial(b.peerId)
      const theirs = await opened
      const closed = (closing === a ? link : theirs).close()
      const [again] = await Promise.all([closing.services.links.dial((closing === a ? b : a).peerId), closed])
      expect([link, theirs]).not.toContain(again)
      expect(again.state.status).toBe('relayed')
      await again.close()
      await eventually('nothing is left of it', () => [a, b].every(({ services }) => services.links.all().length === 0))
    }
  })

  it('close() says how much is missing when the peer takes nothing any more', async () => {
    const own = await startOwnRelay()
    const [a, b] = await startPair(own.multiaddrs, { upgrade: 'never', closeTimeoutMs: 300 })
    await sink(b)
    const link = await a.services.links.dial(b.peerId)
    const stream = await link.connection.newStream(SINK)
    process.kill(own.pid, 'SIGSTOP')
    stream.send(randomBytes(10_000))
    const error = await within(
      3_000,
      'close',
      link.close().catch((err: Error) => err)
    )
    expect(error).toBeInstanceOf(LinkFlushError)
    expect((error as LinkFlushError).unacknowledgedBytes).toBeGreaterThanOrEqual(10_000)
    expect(link.state.status).toBe('closed')
    expect(stream.status).not.toBe('open')
    process.kill(own.pid, 'SIGCONT')
  })

  it('abort() ends streams at both sides with an error, at once', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    const received = await sink(b)
    const link = await a.services.links.dial(b.peerId)
    const stream = await link.connection.newStream(SINK)
    stream.send(randomBytes(1_000))
    await eventually('the first bytes', () => received.bytes === 1_000)
    const ended = waitFor<Link>(b.services.links, 'link:close')
    link.abort(new Error('enough'))
    expect(link.state).toMatchObject({ status: 'closed', reason: { message: 'enough' } })
    expect(stream.status).toBe('aborted')
    await within(2_000, 'the end at the peer', ended)
    expect((await received.result(0)).error).toBeInstanceOf(Error)
  })
})

describe('options', () => {
  it('accept refuses links dialled by either side, and its own side says so', async () => {
    const [a, b] = await startPair(relay.multiaddrs, {}, { accept: () => false })
    const error = await a.services.links.dial(b.peerId).catch((err: Error) => err)
    expect(error).toBeInstanceOf(Error)
    expect(a.services.links.all()).toEqual([])
    expect(b.services.links.all()).toEqual([])
    await expect(b.services.links.dial(a.peerId)).rejects.toThrow(/accept policy of this node refuses/)
  })

  it('accept is asked with the peer, and may take its time', async () => {
    const asked: string[] = []
    const [a, b] = await startPair(
      relay.multiaddrs,
      { upgrade: 'never' },
      {
        upgrade: 'never',
        accept: async (peer) => {
          asked.push(peer.toString())
          await sleep(50)
          return true
        }
      }
    )
    await a.services.links.dial(b.peerId)
    expect(asked).toEqual([a.peerId.toString()])
  })

  it('maxLinks bounds the links held, dialled by either side', async () => {
    const relays = relay.multiaddrs
    const [a, b, c, d] = await Promise.all([
      startNode({ relays, upgrade: 'never', maxLinks: 1 }),
      startNode({ relays, upgrade: 'never' }),
      startNode({ relays, upgrade: 'never' }),
      startNode({ relays, upgrade: 'never' })
    ])
    const link = await a.services.links.dial(b.peerId)
    const error = await a.services.links.dial(c.peerId).catch((err: Error) => err)
    expect(error).toBeInstanceOf(TooManyLinksError)
    expect((error as Error).message).toMatch(/already holds 1 links \(maxLinks\)/)
    await expect(d.services.links.dial(a.peerId)).rejects.toThrow()
    expect(a.services.links.all()).toEqual([link])
    await link.close()
    await a.services.links.dial(c.peerId)
  })

  it('maxBufferedBytes bounds what is buffered for a peer that does not read', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never', maxBufferedBytes: 131_072 })
    await b.handle(SINK, (stream) => stream.pause())
    const link = await a.services.links.dial(b.peerId)
    const stream = await link.connection.newStream(SINK)
    let sent = 0
    while (stream.send(randomBytes(16_384))) {
      sent += 16_384
      if (sent > 10_000_000) throw new Error('send() never said that it is enough')
      await sleep(1)
    }
    // The peer's window and our own buffer, and one piece.
    expect(sent).toBeLessThanOrEqual(2 * 131_072 + 2 * 16_384)
    expect(stream.writableNeedsDrain).toBe(true)
  })

  it('resumeWindowMs: 0 ends a link with its last path', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never', resumeWindowMs: 0 })
    const link = await a.services.links.dial(b.peerId)
    carriers(a, b.peerId)[0]!.abort(new Error('cut by the test'))
    await waitForState(link, 'closed')
    expect(link.state).toMatchObject({ reason: { name: 'LinkExpiredError' } })
  })

  it('upgrade may be a function of the peer', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: () => false }, { upgrade: (peer) => peer != null })
    const link = await a.services.links.dial(b.peerId)
    expect(link.state).toMatchObject({ status: 'relayed', upgrade: { status: 'never' } })
    await expect(link.upgrade()).rejects.toMatchObject({ name: 'UpgradeForbiddenError' })
  })
})
