// A relay's limits end circuits, never links: another circuit is there before they do.
import { describe, expect, it } from 'vitest'
import type { HoldfastNode, Link } from '../../src/index.ts'
import { startOwnRelay, startPair } from '../support/nodes.ts'
import type { StartRelayOptions, TestRelay } from '../support/relay.ts'
import { circuitsOf, heldBy, isRunning, LinkWatch } from '../support/renewals.ts'
import { ECHO, echo, randomBytes, roundTrip, SINK, type Sink, sendAll, sha256, sink } from '../support/transfer.ts'
import { eventually, waitFor, within } from '../support/wait-for.ts'

const MESSAGE_EVERY_MS = 100
/** The bound for a stall; what a busy machine adds is in it. */
const STALL_MS = 400

interface Pair {
  readonly relay: TestRelay
  readonly a: HoldfastNode
  readonly b: HoldfastNode
  /** Dialled by `a`. */
  readonly ofA: LinkWatch
  readonly ofB: LinkWatch
  readonly atA: Sink
  readonly atB: Sink
  story(): string
}

async function dialled(options: StartRelayOptions = {}): Promise<Pair> {
  const relay = await startOwnRelay({ stock: true, ...options, args: ['--tell', ...(options.args ?? [])] })
  const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
  const [atA, atB] = await Promise.all([sink(a), sink(b)])
  await echo(b)
  const accepted = waitFor<Link>(b.services.links, 'link:open')
  const ofA = new LinkWatch(await a.services.links.dial(b.peerId))
  const ofB = new LinkWatch(await accepted)
  return { relay, a, b, ofA, ofB, atA, atB, story: () => `a: ${ofA.story}\nb: ${ofB.story}` }
}

async function send({ ofA, ofB }: Pair, from: 'a' | 'b', bytes: number, seed: number): Promise<string> {
  const data = randomBytes(bytes, seed)
  const stream = await (from === 'a' ? ofA : ofB).link.connection.newStream(SINK)
  await sendAll(stream, data, { pieceBytes: 16_384 })
  await stream.close()
  return sha256(data)
}

/** No circuit was ended by the relay, and no link was without a path. */
function expectNoCut({ ofA, ofB, story }: Pair): void {
  for (const watch of [ofA, ofB]) {
    expect(watch.cut, story()).toEqual([])
    expect(watch.statuses, story()).not.toContain('recovering')
  }
}

describe('a link over a stock relay (2 min, 128 KiB)', () => {
  it('carries 1 MiB one way; both sides know what is left, and nothing remains when it is closed', async () => {
    const pair = await dialled()
    const { relay, a, b, ofA, ofB, atB, story } = pair
    const bytes = 1_048_576
    const hash = await send(pair, 'a', bytes, 1)
    expect(await atB.result(0), story()).toEqual({ bytes, hash, error: undefined })
    expectNoCut(pair)
    expect(ofA.circuits, story()).toBeGreaterThanOrEqual(9)
    expect(ofB.circuits, story()).toBe(ofA.circuits)
    for (const { budgets } of [ofA, ofB]) {
      expect(budgets.size, story()).toBeGreaterThan(4)
      for (const { remainingBytes, remainingMs } of budgets.values()) {
        expect(Math.max(...remainingBytes)).toBeLessThanOrEqual(131_072)
        expect(Math.max(...remainingMs)).toBeLessThanOrEqual(120_000)
        expect(remainingBytes).toEqual([...remainingBytes].sort((one, other) => other - one))
      }
      const fell = [...budgets.values()].filter(({ remainingBytes }) => remainingBytes[0]! > remainingBytes.at(-1)!)
      expect(fell.length, story()).toBeGreaterThan(4)
    }
    for (const watch of [ofA, ofB]) {
      const selected = watch.events.filter(({ what }) => what === 'select')
      const closed = watch.events.filter(({ what }) => what === 'close')
      expect(selected.length, story()).toBeGreaterThanOrEqual(ofA.circuits - 2)
      expect(closed.length, story()).toBeGreaterThanOrEqual(ofA.circuits - 3)
    }

    await ofA.link.close()
    await eventually('the nodes hold what they held before', () =>
      [a, b].every((node) => node.getConnections().length === 1 && node.getConnections()[0]!.streams.every(isNoCircuit))
    )
    await eventually('the relay holds no circuit', async () => (await heldBy(relay)).connections === 2)
    const held = await heldBy(relay)
    // Streams that were there before the dial: none of them is a circuit, each of which is two at the relay.
    expect(held.streams).toBeLessThanOrEqual(2)
  })

  it('carries 512 KiB each way at once', async () => {
    const pair = await dialled()
    const { atA, atB, story } = pair
    const bytes = 524_288
    const [fromA, fromB] = await Promise.all([send(pair, 'a', bytes, 2), send(pair, 'b', bytes, 3)])
    expect(await atB.result(0), story()).toEqual({ bytes, hash: fromA, error: undefined })
    expect(await atA.result(0), story()).toEqual({ bytes, hash: fromB, error: undefined })
    expectNoCut(pair)
  })

  it.each(['dialled', 'was dialled'])(
    'delivers what is left when who %s closes it, over as many circuits as that takes',
    async (who) => {
      const pair = await dialled()
      const { ofA, ofB, atA, atB, story } = pair
      const [from, to] = who === 'dialled' ? [ofA, atB] : [ofB, atA]
      const data = randomBytes(1_000_000, 5)
      const stream = await from.link.connection.newStream(SINK)
      stream.send(data)
      await stream.close()
      await from.link.close()
      expect(await to.result(0), story()).toEqual({ bytes: data.byteLength, hash: sha256(data), error: undefined })
      expect(ofA.circuits, story()).toBeGreaterThan(5)
    }
  )

  it('is renewed by the dialler when only the other side sends', async () => {
    const pair = await dialled()
    const { relay, a, atA, ofA, story } = pair
    const bytes = 524_288
    const hash = await send(pair, 'b', bytes, 4)
    expect(await atA.result(0), story()).toEqual({ bytes, hash, error: undefined })
    expectNoCut(pair)
    expect(ofA.circuits, story()).toBeGreaterThanOrEqual(5)
    expect(new Set(circuitsOf(relay).map(({ by }) => by))).toEqual(new Set([a.peerId.toString()]))
  })
})

describe('a link whose dialler was told of no limit', () => {
  it('is renewed because the other side asks for it', async () => {
    const pair = await dialled({ args: ['--mute-to-dialler'] })
    const { relay, a, atA, ofA, ofB, story } = pair
    expect(ofA.link.paths.map(({ budget }) => budget)).toEqual([undefined])
    const bytes = 524_288
    const hash = await send(pair, 'b', bytes, 9)
    expect(await atA.result(0), story()).toEqual({ bytes, hash, error: undefined })
    expectNoCut(pair)
    expect(ofB.circuits, story()).toBeGreaterThanOrEqual(5)
    expect(new Set(circuitsOf(relay).map(({ by }) => by))).toEqual(new Set([a.peerId.toString()]))
  })
})

function isNoCircuit({ protocol }: { protocol: string }): boolean {
  return !protocol.includes('circuit/relay')
}

describe('a link over a relay of 10 s and 64 KiB', () => {
  it('is renewed 20 times in a row under traffic', async () => {
    const pair = await dialled({ limitBytes: 65_536, limitSeconds: 10 })
    const { atA, atB, ofA, story } = pair
    const bytes = 500_000
    const [fromA, fromB] = await Promise.all([send(pair, 'a', bytes, 5), send(pair, 'b', bytes, 6)])
    expect(await atB.result(0), story()).toEqual({ bytes, hash: fromA, error: undefined })
    expect(await atA.result(0), story()).toEqual({ bytes, hash: fromB, error: undefined })
    expect(ofA.circuits, story()).toBeGreaterThan(20)
    expectNoCut(pair)
  })
})

/** Resolves with what the receiver saw when `until` has. */
async function chat(
  link: Link,
  messages: Sink,
  until: Promise<unknown>
): Promise<{ sent: number; longestGapMs: number }> {
  const stream = await link.connection.newStream(SINK)
  let [sent, had, longestGapMs, lastAt] = [0, messages.bytes, 0, performance.now()]
  const look = setInterval(() => {
    if (messages.bytes === had) return
    const now = performance.now()
    longestGapMs = Math.max(longestGapMs, now - lastAt)
    lastAt = now
    had = messages.bytes
  }, 1)
  const say = setInterval(() => {
    stream.send(new Uint8Array([sent++]))
  }, MESSAGE_EVERY_MS)
  try {
    await until
  } finally {
    clearInterval(say)
    await stream.close()
    await within(5_000, 'the last message', messages.result(0))
    clearInterval(look)
  }
  return { sent, longestGapMs: Math.max(longestGapMs, performance.now() - lastAt) }
}

describe('a link over a relay of 4 s', () => {
  it('outlives that, idle', async () => {
    const pair = await dialled({ limitSeconds: 4 })
    const { ofA, story } = pair
    await eventually('two renewals', () => ofA.circuits >= 3)
    expectNoCut(pair)
    const stream = await ofA.link.connection.newStream(ECHO)
    expect(await roundTrip(stream, 'still there'), story()).toBe('still there')
  })

  it('outlives that with a message each 100 ms both ways, and none is late', async () => {
    const pair = await dialled({ limitSeconds: 4 })
    const { ofA, ofB, atA, atB, story } = pair
    const renewed = eventually('two renewals', () => ofA.circuits >= 3)
    const told = await Promise.all([chat(ofA.link, atB, renewed), chat(ofB.link, atA, renewed)])
    for (const [side, { sent, longestGapMs }] of told.entries()) {
      expect((side === 0 ? atB : atA).bytes, story()).toBe(sent)
      expect(longestGapMs, story()).toBeLessThanOrEqual(MESSAGE_EVERY_MS + STALL_MS)
    }
    expectNoCut(pair)
  })
})

describe('a relay that goes in the middle of a renewal costs time, no byte', () => {
  it('while the next circuit is asked for', async () => {
    const pair = await dialled({ args: ['--die-at=5'] })
    const { relay, atB, story } = pair
    const bytes = 700_000
    const received = atB.result(0)
    let [deaths, isOver] = [0, false]
    const keepRunning = async (): Promise<void> => {
      while (!isOver) {
        await eventually('the end of it, or of the relay', () => isOver || !isRunning(relay), { timeoutMs: 60_000 })
        if (isOver) return
        deaths++
        await relay.restart()
      }
    }
    const kept = keepRunning()
    const hash = await send(pair, 'a', bytes, 7)
    expect(await received, story()).toEqual({ bytes, hash, error: undefined })
    isOver = true
    await kept
    expect(deaths).toBeGreaterThanOrEqual(1)
  })

  it('while there are two circuits', async () => {
    const pair = await dialled()
    const { relay, ofA, atB, story } = pair
    const bytes = 700_000
    const restarted = waitFor<{ path: { id: string } }>(ofA.link, 'path:open', () => ofA.circuits >= 4).then(
      async () => {
        await relay.kill()
        await relay.restart()
      }
    )
    const hash = await send(pair, 'a', bytes, 8)
    expect(await atB.result(0), story()).toEqual({ bytes, hash, error: undefined })
    await restarted
  })
})
