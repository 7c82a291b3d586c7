// Relays that lie about their limits cost time, never bytes; and no relay is asked for more than is polite.
import { describe, expect, it } from 'vitest'
import type { HoldfastNode, Link } from '../../src/index.ts'
import { startNode, startOwnRelay, startPair } from '../support/nodes.ts'
import type { StartRelayOptions, TestRelay } from '../support/relay.ts'
import { circuitsOf, LinkWatch, mostWithin } from '../support/renewals.ts'
import { ECHO, echo, randomBytes, roundTrip, SINK, type Sink, sendAll, sha256, sink } from '../support/transfer.ts'
import { eventually, story, waitFor } from '../support/wait-for.ts'
import { amount, record } from './support/soak.ts'

interface Pair {
  readonly relay: TestRelay
  readonly a: HoldfastNode
  readonly b: HoldfastNode
  readonly ofA: LinkWatch
  readonly ofB: LinkWatch
  readonly atB: Sink
}

async function dialled(options: StartRelayOptions): Promise<Pair> {
  const relay = await startOwnRelay({ stock: true, ...options, args: ['--tell', ...(options.args ?? [])] })
  const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
  const atB = await sink(b)
  await echo(b)
  const accepted = waitFor<Link>(b.services.links, 'link:open')
  const ofA = new LinkWatch(await a.services.links.dial(b.peerId))
  const ofB = new LinkWatch(await accepted)
  return { relay, a, b, ofA, ofB, atB }
}

/** Another link between the same two. */
async function dialledAgain(pair: Pair): Promise<Pair> {
  const { a, b, ofA } = pair
  await ofA.link.close()
  const accepted = waitFor<Link>(b.services.links, 'link:open')
  const again = new LinkWatch(await a.services.links.dial(b.peerId))
  return { ...pair, ofA: again, ofB: new LinkWatch(await accepted) }
}

const BYTES = amount(300_000, 4_000_000)

/** Over a stream of its own; resolves with how long it took until the peer had all of it. */
async function send({ ofA, ofB, atB }: Pair, bytes: number, seed: number): Promise<number> {
  const data = randomBytes(bytes, seed)
  const start = performance.now()
  const received = atB.result(atB.streams.length)
  const stream = await ofA.link.connection.newStream(SINK)
  await sendAll(stream, data, { pieceBytes: 16_384 })
  await stream.close()
  expect(await received, `${ofA.story}\n${ofB.story}`).toEqual({ bytes, hash: sha256(data), error: undefined })
  return Math.round(performance.now() - start)
}

/** Two circuits in a row that end at the same place are believed; one more may be under way then. */
const MOST_CUTS = 4

describe('a relay that lies about its limits', () => {
  it.each([
    { what: 'ends circuits after half of what it told', limitBytes: 65_536, args: ['--told-bytes=131072'] },
    { what: 'gives twice what it tells', limitBytes: 131_072, args: ['--told-bytes=65536'] },
    { what: 'tells of no limit and ends circuits', limitBytes: 65_536, args: ['--told-bytes=0', '--told-seconds=0'] }
  ])('that $what: no byte is lost, and in the end no circuit is cut', async ({ what, limitBytes, args }) => {
    const pair = await dialled({ limitBytes, args })
    const { ofA, ofB } = pair
    const ms = await send(pair, BYTES, 1)
    const cuts = ofA.cut.length
    const { circuits } = ofA
    // What a node has learned of a relay is good for all of its links.
    const next = await dialledAgain(pair)
    const msAgain = await send(next, BYTES, 2)
    record(`a relay that ${what}`, {
      bytes: BYTES,
      ms,
      cuts,
      circuits,
      msAgain,
      cutsAgain: next.ofA.cut.length,
      circuitsAgain: next.ofA.circuits
    })
    expect(cuts, `${ofA.story}\n${ofB.story}`).toBeLessThanOrEqual(MOST_CUTS)
    expect(next.ofA.cut, `${next.ofA.story}\n${next.ofB.story}`).toEqual([])
  })

  it.each([
    { what: 'ends circuits long before the time it told', args: ['--told-seconds=20'] },
    { what: 'tells of no limit and ends circuits by time', args: ['--told-bytes=0', '--told-seconds=0'] }
  ])('that $what: it is learned within some cuts', async ({ what, args }) => {
    const { ofA } = await dialled({ limitSeconds: 1, limitBytes: 1e9, args })
    const stream = await ofA.link.connection.newStream(ECHO)
    let [messages, circuitsAfterCut] = [0, 0]
    ofA.link.addEventListener('path:open', () => circuitsAfterCut++)
    let cuts = 0
    while (circuitsAfterCut < 3) {
      const text = `message ${messages++} `
      expect(await roundTrip(stream, text), ofA.story).toBe(text)
      if (ofA.cut.length > cuts) [cuts, circuitsAfterCut] = [ofA.cut.length, 0]
      expect(cuts, ofA.story).toBeLessThanOrEqual(MOST_CUTS)
    }
    record(`a relay that ${what}`, { cuts, messages })
    expect(cuts, ofA.story).toBeGreaterThan(0)
  })
})

describe('a relay is asked politely', () => {
  const BURST = 8
  const PER_SECOND = 3
  const WATCH_MS = 5_000

  it('for eight circuits at once and three per second after that, by one node for all of its links', async () => {
    const relay = await startOwnRelay({ stock: true, limitBytes: 32_768, limitSeconds: 10, args: ['--tell'] })
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    const c = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
    const sinks = await Promise.all([sink(b), sink(c)])
    const bytes = amount(150_000, 2_000_000)
    const sending = [b, c].map(async ({ peerId }, i) => {
      const data = randomBytes(bytes, i)
      const link = await a.services.links.dial(peerId)
      const stream = await link.connection.newStream(SINK)
      await sendAll(stream, data, { pieceBytes: 16_384 })
      await stream.close()
      expect(await sinks[i]!.result(0), story(link)).toEqual({ bytes, hash: sha256(data), error: undefined })
    })
    await Promise.all(sending)
    const asked = circuitsOf(relay)
    const most = [1, 2, 5, 10].map((seconds) => ({ seconds, circuits: mostWithin(asked, seconds * 1_000) }))
    record('circuits of two links, each of 32 KiB', {
      circuits: asked.length,
      ...Object.fromEntries(most.map(({ seconds, circuits }) => [`mostIn${seconds}s`, circuits]))
    })
    expect(new Set(asked.map(({ by }) => by)).size).toBe(1)
    for (const { seconds, circuits } of most) {
      expect(circuits).toBeLessThanOrEqual(BURST + PER_SECOND * seconds)
    }
    expect(asked.length).toBeGreaterThan(BURST + PER_SECOND)
  })

  it.each([8_192, 16_384])('whose circuits of %d bytes are hardly enough to set up a link', async (limitBytes) => {
    const relay = await startOwnRelay({ stock: true, limitBytes, args: ['--tell'] })
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    const atB = await sink(b)
    const use = async (): Promise<void> => {
      const link = await a.services.links.dial(b.peerId, { signal: AbortSignal.timeout(WATCH_MS) })
      const stream = await link.connection.newStream(SINK, { signal: AbortSignal.timeout(WATCH_MS) })
      await sendAll(stream, randomBytes(100_000), { pieceBytes: 16_384 })
      await stream.close()
    }
    // It may work or not.
    void use().catch(() => {})
    const end = performance.now() + WATCH_MS
    await eventually('all of it, or five seconds', () => atB.bytes === 100_000 || performance.now() > end)
    const asked = circuitsOf(relay)
    // Or stopping would wait for what cannot arrive.
    a.services.links.get(b.peerId)?.abort(new Error('enough was seen'))
    const most = [1, 5].map((seconds) => ({ seconds, circuits: mostWithin(asked, seconds * 1_000) }))
    record(`circuits of ${limitBytes} bytes`, {
      arrivedBytes: atB.bytes,
      circuits: asked.length,
      ...Object.fromEntries(most.map(({ seconds, circuits }) => [`mostIn${seconds}s`, circuits]))
    })
    for (const { seconds, circuits } of most) expect(circuits).toBeLessThanOrEqual(BURST + PER_SECOND * seconds)
    expect(asked.length, 'a circuit that is spent is replaced').toBeGreaterThan(1)
  })

  it('that refuses renewals: with pauses that grow, and nothing is lost', async () => {
    const refuseMs = amount(5_000, 10_000)
    const pair = await dialled({ limitBytes: 65_536, args: ['--refuse-after=2', `--refuse-ms=${refuseMs}`] })
    const { relay, ofA } = pair
    const ms = await send(pair, 200_000, 3)
    const refused = circuitsOf(relay).filter(({ outcome }) => outcome === 'refused')
    const pausesMs = refused.slice(1).map(({ at }, i) => at - refused[i]!.at)
    record(`a relay that refuses circuits for ${refuseMs} ms`, {
      asked: refused.length,
      ms,
      pausesMs: pausesMs.join(' ')
    })
    // While recovering: 0.25 s doubling to 2.5 s, with jitter; fewer where data still flows.
    expect(refused.length, ofA.story).toBeGreaterThanOrEqual(2)
    expect(refused.length, `${pausesMs}; ${ofA.story}`).toBeLessThanOrEqual(16)
    await eventually('the link is up', () => ofA.link.state.status === 'relayed')
  })
})
