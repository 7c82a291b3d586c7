// What runs on libp2p runs on a durable connection, unchanged: nothing here knows of links, except to look at them.
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { type IdentifyResult, type PeerId, TypedEventEmitter } from '@libp2p/interface'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HoldfastNode } from '../../src/index.ts'
import { SESSION_PROTOCOL } from '../../src/wire/index.ts'
import { carriers, startNode, startPair } from '../support/nodes.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { ECHO, echo, randomBytes, receiveAll, roundTrip, SINK, sendAll, sha256, sink } from '../support/transfer.ts'
import { eventually, waitFor, waitForState } from '../support/wait-for.ts'

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(() => relay.stop())

describe('on a durable connection', () => {
  it('node.dialProtocol(peerId) and node.handle carry a stream both ways', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    await echo(b)
    const stream = await a.dialProtocol(b.peerId, ECHO)
    expect(await roundTrip(stream, 'hello')).toBe('hello')
    const link = a.services.links.get(b.peerId)
    expect(link?.connection.multiplexer).toBe(SESSION_PROTOCOL)
    expect(link?.connection.limits).toBeUndefined()
    expect(link?.connection.streams).toContain(stream)
  })

  it('node.dial(peerId) and links.dial give the same connection, every time, and the listener can dial back over it', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    const link = await a.services.links.dial(b.peerId)
    expect(await a.dial(b.peerId)).toBe(link.connection)
    expect(await a.dial(b.peerId)).toBe(link.connection)
    await eventually('the link at the listener', () => b.services.links.get(a.peerId) != null)
    const back = await b.services.links.dial(a.peerId)
    expect(await b.dial(a.peerId)).toBe(back.connection)
    expect(carriers(b, a.peerId, 'relayed').length).toBe(1)
    await echo(a)
    expect(await roundTrip(await b.dialProtocol(a.peerId, ECHO), 'back')).toBe('back')
  })

  it('connection.newStream opens as many streams as are asked for at once, each by itself', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    const received = await sink(b)
    const { connection } = await a.services.links.dial(b.peerId)
    const payloads = Array.from({ length: 30 }, (_, i) => randomBytes(5_000 + i, i + 1))
    await Promise.all(
      payloads.map(async (bytes) => {
        const stream = await connection.newStream(SINK, { maxOutboundStreams: 64 })
        await sendAll(stream, bytes)
        await stream.close()
      })
    )
    await eventually('30 streams at the sink', () => received.streams.length === 30)
    const hashes = (await Promise.all(received.streams)).map(({ hash }) => hash)
    expect(hashes.sort()).toEqual(payloads.map(sha256).sort())
  })

  it('a stream closed for writing still reads what the peer answers', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    await b.handle('/test/answer', async (stream) => {
      const { bytes } = await receiveAll(stream)
      await sendAll(stream, randomBytes(bytes * 2))
      await stream.close()
    })
    const stream = await a.dialProtocol(b.peerId, '/test/answer')
    const answer = receiveAll(stream)
    await sendAll(stream, randomBytes(100_000))
    await stream.close()
    expect(await answer).toEqual({ bytes: 200_000, hash: sha256(randomBytes(200_000)), error: undefined })
  })

  it('identify tells both sides of each other over it', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { libp2p: { nodeInfo: { userAgent: 'identified/1' } } })
    await b.handle('/test/known-by-identify', () => {})
    const identified = (node: HoldfastNode, peer: HoldfastNode) =>
      waitFor<IdentifyResult>(node, 'peer:identify', ({ connection }) => {
        return connection === node.services.links.get(peer.peerId)?.connection
      })
    const atB = identified(b, a)
    const atA = identified(a, b)
    await a.services.links.dial(b.peerId)
    const result = await atA
    expect(result.peerId.equals(b.peerId)).toBe(true)
    expect(result.agentVersion).toContain('identified/1')
    expect(result.protocols).toContain('/test/known-by-identify')
    expect((await atB).peerId.equals(a.peerId)).toBe(true)
    const known = await a.peerStore.get(b.peerId)
    expect(known.protocols).toContain('/test/known-by-identify')
  })

  it('ping measures it both ways, relayed and direct', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    expect(await a.services.ping.ping(b.peerId)).toBeLessThan(5_000)
    const link = a.services.links.get(b.peerId)!
    await waitForState(link, 'direct')
    expect(await a.services.ping.ping(b.peerId)).toBeLessThan(5_000)
    expect(await b.services.ping.ping(a.peerId)).toBeLessThan(5_000)
    expect(a.services.links.get(b.peerId)).toBe(link)
  })
})

describe('gossipsub', () => {
  type Gossiper = HoldfastNode & { readonly services: { readonly pubsub: GossipSub } }

  const gossiping = () => ({
    relays: relay.multiaddrs,
    services: { pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) }
  })

  async function subscribed(node: Gossiper, topic: string, peer: PeerId): Promise<void> {
    await eventually('the subscription of the peer', () => {
      return node.services.pubsub.getSubscribers(topic).some((subscriber) => subscriber.equals(peer))
    })
  }

  it('gossips over it, relayed or direct, with the peer known by its id only', async () => {
    const [a, b] = (await Promise.all([startNode(gossiping()), startNode(gossiping())])) as [Gossiper, Gossiper]
    const got: string[] = []
    const events = new TypedEventEmitter<{ text: CustomEvent<string> }>()
    b.services.pubsub.addEventListener('gossipsub:message', ({ detail: { msg } }) => {
      got.push(new TextDecoder().decode(msg.data))
      events.safeDispatchEvent('text', { detail: got.at(-1)! })
    })
    a.services.pubsub.subscribe('news')
    b.services.pubsub.subscribe('news')
    await a.dial(b.peerId)
    await subscribed(a, 'news', b.peerId)
    await subscribed(b, 'news', a.peerId)
    const second = waitFor(events, 'text', (text) => text === 'two')
    await a.services.pubsub.publish('news', new TextEncoder().encode('one'))
    await waitForState(a.services.links.get(b.peerId)!, 'direct')
    await a.services.pubsub.publish('news', new TextEncoder().encode('two'))
    await second
    expect(got).toEqual(['one', 'two'])
  })
})
