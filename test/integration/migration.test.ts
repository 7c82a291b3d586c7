// Paths come and go under links that are in use. WebRTC is real; where UDP must fail, the network drops it.
import { readFileSync } from 'node:fs'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import type { Stream } from '@libp2p/interface'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { HoldfastNode, Link } from '../../src/index.ts'
import { carriers, startNode, startPair } from '../support/nodes.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { ECHO, echo, randomBytes, roundTrip, SINK, sendAll, sha256, sink } from '../support/transfer.ts'
import { canDropUdp, dropUdp, restoreUdp, whyNotDropUdp } from '../support/udp.ts'
import { eventually, story, waitFor, waitForState } from '../support/wait-for.ts'

const MB = 1_000_000

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(() => relay.stop())

afterEach(() => restoreUdp())

/** What the link sent over, in order, and when it changed. */
function selections(link: Link): string[] {
  const kinds: string[] = []
  link.addEventListener('path:select', ({ detail }) => kinds.push(detail.path.kind))
  return kinds
}

/** UDP sockets of this network: WebRTC's, and the relay's STUN. */
function udpSockets(): number {
  return ['udp', 'udp6'].reduce((sum, name) => {
    return sum + readFileSync(`/proc/net/${name}`, 'utf8').trim().split('\n').length - 1
  }, 0)
}

describe('with WebRTC possible', () => {
  it('the first message arrives while the link is still relayed, then it becomes direct', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    let stateAtFirstMessage: string | undefined
    await b.handle(SINK, (stream) => {
      stream.addEventListener('message', () => {
        stateAtFirstMessage ??= b.services.links.get(a.peerId)?.state.status
      })
    })
    const before = performance.now()
    const stream = await a.dialProtocol(b.peerId, SINK)
    stream.send(new TextEncoder().encode('first'))
    await eventually('the first message', () => stateAtFirstMessage != null)
    const firstMs = performance.now() - before
    expect(stateAtFirstMessage).toBe('relayed')
    const link = a.services.links.get(b.peerId)!
    await waitForState(link, 'direct')
    await waitForState(b.services.links.get(a.peerId)!, 'direct')
    console.info(
      `first message after ${firstMs.toFixed(0)} ms, direct after ${(performance.now() - before).toFixed(0)} ms`
    )
    stream.abort(new Error('done'))
  })
})

describe('with UDP dropped', () => {
  it('the first message takes no longer, the link stays relayed and usable, upgrades back off and leave nothing behind', async ({
    skip
  }) => {
    if (!canDropUdp()) skip(whyNotDropUdp())
    await dropUdp()
    // Above the second that every other WebRTC dial takes longer by itself.
    const [a, b] = await startPair(relay.multiaddrs, { upgradeTimeoutMs: 1_500 })
    await echo(b)
    const before = performance.now()
    const stream = await a.dialProtocol(b.peerId, ECHO)
    await roundTrip(stream, 'first')
    const firstMs = performance.now() - before
    console.info(`first round trip ${firstMs.toFixed(0)} ms after the dial`)
    expect(firstMs).toBeLessThan(500)

    const link = a.services.links.get(b.peerId)!
    const backoffs: number[] = []
    const caps: number[] = []
    link.addEventListener('link:state', ({ detail: { state } }) => {
      if (state.status === 'relayed' && state.upgrade.status === 'backoff') {
        backoffs.push(state.upgrade.retryAt - Date.now())
        caps.push(state.upgrade.attempt)
      }
    })
    const counts: Array<{ a: number; b: number; sockets: number }> = []
    for (let attempt = 1; attempt <= 10; attempt++) {
      const error = await link.upgrade().catch((err: Error) => err)
      expect((error as Error).name, story(link)).toBe('UpgradeFailedError')
      expect(await roundTrip(stream, `after attempt ${attempt}`)).toBe(`after attempt ${attempt}`)
      counts.push({ a: a.getConnections().length, b: b.getConnections().length, sockets: udpSockets() })
    }
    expect(link.state.status).toBe('relayed')
    expect(caps.length).toBeGreaterThanOrEqual(10)
    for (const ms of backoffs) expect(ms).toBeLessThanOrEqual(300_000)
    // The relay, the carrier, the durable connection; the last attempt may still be ending at the peer.
    for (const { a, b } of counts) {
      expect(a).toBe(3)
      expect(b).toBeLessThanOrEqual(3)
    }
    const first = counts[0]!.sockets
    await eventually(
      `UDP sockets back to what they were (${counts.map(({ sockets }) => sockets)})`,
      () => udpSockets() <= first
    )

    await restoreUdp()
    for (let attempt = 1; attempt < 4 && link.state.status !== 'direct'; attempt++) await link.upgrade().catch(() => {})
    expect(link.state.status).toBe('direct')
    expect(await roundTrip(stream, 'direct')).toBe('direct')
  })

  it('without anybody asking, attempts come ever less often', async ({ skip }) => {
    if (!canDropUdp()) skip(whyNotDropUdp())
    await dropUdp()
    const [a, b] = await startPair(relay.multiaddrs, { upgradeTimeoutMs: 1_000 })
    const link = await a.services.links.dial(b.peerId)
    // Full jitter: a single wait may be short, none is beyond its cap of 1 s, doubling.
    for (let attempt = 1; attempt <= 3; attempt++) {
      const state = await waitForState(link, (now) => {
        return now.status === 'relayed' && now.upgrade.status === 'backoff' && now.upgrade.attempt === attempt
      })
      if (state.status !== 'relayed' || state.upgrade.status !== 'backoff') throw new Error('not reached')
      const waitMs = state.upgrade.retryAt - Date.now()
      expect(waitMs).toBeLessThanOrEqual(1_000 * 2 ** (attempt - 1))
    }
  })

  it('a transfer that lost its direct path goes on over the relay, nothing lost, then direct again', async ({
    skip
  }) => {
    if (!canDropUdp()) skip(whyNotDropUdp())
    const [a, b] = await startPair(relay.multiaddrs, { upgradeTimeoutMs: 2_000 })
    const lost = await transferCut(a, b, dropUdp)
    console.info(lost)
    await restoreUdp()
    await a.services.links.get(b.peerId)!.upgrade()
    await waitForState(a.services.links.get(b.peerId)!, 'direct')
    expect(await roundTrip(await a.dialProtocol(b.peerId, ECHO), 'direct again')).toBe('direct again')
  })
})

/** 20 MB over the direct path, which is cut after a quarter of it. */
async function transferCut(a: HoldfastNode, b: HoldfastNode, cut: () => Promise<void>): Promise<string> {
  await echo(b)
  const received = await sink(b)
  const link = await a.services.links.dial(b.peerId)
  await link.whenDirect()
  const selected = selections(link)
  const before = link.paths.find(({ kind }) => kind === 'relayed')?.sentBytes ?? 0
  const data = randomBytes(20 * MB, 7)
  const stream = await link.connection.newStream(SINK)
  const start = performance.now()
  let longestMs = 0
  let lastAt = performance.now()
  const cutting: Array<Promise<void>> = []
  await sendAll(stream, data, {
    onSent: (sent) => {
      const now = performance.now()
      longestMs = Math.max(longestMs, now - lastAt)
      lastAt = now
      if (cutting.length > 0 || sent < 5 * MB) return
      cutting.push(cut())
    }
  })
  await Promise.all(cutting)
  await stream.close()
  const { bytes, hash, error } = await received.result(0)
  const tookMs = performance.now() - start
  expect(error).toBeUndefined()
  expect(bytes).toBe(data.byteLength)
  expect(hash).toBe(sha256(data))
  expect(selected[0], story(link)).toBe('relayed')
  const relayed = link.paths.find(({ kind }) => kind === 'relayed')
  expect((relayed?.sentBytes ?? 0) - before).toBeGreaterThan(16_000)
  return `20 MB in ${tookMs.toFixed(0)} ms, longest wait of the sender ${longestMs.toFixed(0)} ms, 0 bytes lost`
}

describe('with the carrier of the direct path cut off', () => {
  it('by this side: a transfer goes on over the relay, nothing lost, then direct again', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    const told = await transferCut(a, b, async () =>
      carriers(a, b.peerId, 'webrtc')[0]!.abort(new Error('cut by the test'))
    )
    console.info(told)
    await waitForState(a.services.links.get(b.peerId)!, 'direct')
  })

  it('by the other side: a transfer goes on over the relay, nothing lost, then direct again', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    const told = await transferCut(a, b, async () =>
      carriers(b, a.peerId, 'webrtc')[0]!.abort(new Error('cut by the test'))
    )
    console.info(told)
    await waitForState(a.services.links.get(b.peerId)!, 'direct')
  })

  it('while both sides send: nothing is lost either way', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    const [atA, atB] = [await sink(a), await sink(b)]
    const link = await a.services.links.dial(b.peerId)
    await link.whenDirect()
    const back = b.services.links.get(a.peerId)!
    const send = async (stream: Stream, seed: number, onSent?: (sent: number) => void): Promise<string> => {
      const data = randomBytes(6 * MB, seed)
      await sendAll(stream, data, { onSent })
      await stream.close()
      return sha256(data)
    }
    let cut = false
    const hashes = await Promise.all([
      send(await link.connection.newStream(SINK), 11, (sent) => {
        if (cut || sent < 2 * MB) return
        cut = true
        carriers(a, b.peerId, 'webrtc')[0]!.abort(new Error('cut by the test'))
      }),
      send(await back.connection.newStream(SINK), 12)
    ])
    expect((await atB.result(0)).hash).toBe(hashes[0])
    expect((await atA.result(0)).hash).toBe(hashes[1])
  })

  it('the relayed one: the direct path carries on, and no stream notices', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    await echo(b)
    const link = await a.services.links.dial(b.peerId)
    await link.whenDirect()
    const stream = await link.connection.newStream(ECHO)
    const closed = waitFor<{ path: { kind: string } }>(link, 'path:close', ({ path }) => path.kind === 'relayed')
    carriers(a, b.peerId, 'relayed')[0]!.abort(new Error('cut by the test'))
    await closed
    expect(link.state.status).toBe('direct')
    expect(await roundTrip(stream, 'still here')).toBe('still here')
  })
})

describe('gossipsub', () => {
  it('delivers each message exactly once, in order, across two migrations', async () => {
    type Gossiper = HoldfastNode & { readonly services: { readonly pubsub: GossipSub } }
    const init = { relays: relay.multiaddrs, services: { pubsub: gossipsub() } }
    const [a, b] = (await Promise.all([startNode(init), startNode(init)])) as [Gossiper, Gossiper]
    const got: number[] = []
    b.services.pubsub.addEventListener('gossipsub:message', ({ detail: { msg } }) => {
      got.push(new DataView(msg.data.buffer, msg.data.byteOffset).getUint32(0))
    })
    a.services.pubsub.subscribe('counted')
    b.services.pubsub.subscribe('counted')
    await a.dial(b.peerId)
    const link = a.services.links.get(b.peerId)!
    const kinds = selections(link)
    await eventually('the subscription of the peer', () => {
      return a.services.pubsub.getSubscribers('counted').some((peer) => peer.equals(b.peerId))
    })
    let published = 0
    const publish = async (): Promise<void> => {
      const data = new Uint8Array(2_000)
      new DataView(data.buffer).setUint32(0, published++)
      await a.services.pubsub.publish('counted', data)
    }
    const publishUntil = async (isThere: () => boolean): Promise<void> => {
      const end = performance.now() + 15_000
      while (!isThere()) {
        if (performance.now() > end) throw new Error(`no migration: ${story(link)}`)
        await publish()
        await new Promise((resolve) => setImmediate(resolve))
        if (published - got.length > 200)
          await eventually('the messages on their way', () => published - got.length < 50)
      }
      for (let i = 0; i < 20; i++) await publish()
    }
    await publishUntil(() => link.state.status === 'direct')
    carriers(a, b.peerId, 'webrtc')[0]!.abort(new Error('cut by the test'))
    await publishUntil(() => link.state.status === 'relayed')
    await publishUntil(() => link.state.status === 'direct')
    await eventually('all messages', () => got.length >= published)
    expect(got).toEqual(Array.from({ length: published }, (_, i) => i))
    expect(kinds.slice(-3)).toEqual(['webrtc', 'relayed', 'webrtc'])
  })
})
