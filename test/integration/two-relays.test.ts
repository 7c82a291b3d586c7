// With reservations at two relays the end of one is a short stall, and its return is used again. Dead ones in the list cost
// a dial next to nothing.
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { HoldfastNode, Link, ReservationLostDetail } from '../../src/index.ts'
import { relayOrder } from '../../src/node/relay-order.ts'
import { amount, percentile, record } from '../soak/support/soak.ts'
import { deadRelay, startNode, startOwnRelay, startPair } from '../support/nodes.ts'
import { type StartRelayOptions, startRelay, type TestRelay } from '../support/relay.ts'
import { dropTcp, restoreTcp, whyNotDropTcp } from '../support/tcp.ts'
import { receiveAll, sendAll } from '../support/transfer.ts'
import { eventually, waitFor } from '../support/wait-for.ts'

const STREAM = '/test/steady/1.0.0'
const PIECE_BYTES = 16_384
const PIECE_EVERY_MS = 4

/** Bytes that arrive, and the longest time without any. */
class Meter {
  bytes = 0
  longestGapMs = 0
  #lastAt = performance.now()

  readonly onBytes = (bytes: number): void => {
    this.bytes = bytes
    const now = performance.now()
    this.longestGapMs = Math.max(this.longestGapMs, now - this.#lastAt)
    this.#lastAt = now
  }

  reset(): void {
    this.longestGapMs = 0
  }

  async more(): Promise<void> {
    const before = this.bytes
    await eventually('more bytes at the peer', () => this.bytes > before)
  }
}

interface Transfer {
  readonly link: Link
  readonly meter: Meter
  /** Bytes sent that the peer did not get; throws where it got others. */
  end(): Promise<number>
}

/** Sends without a pause until it is ended. */
async function transfer(a: HoldfastNode, b: HoldfastNode): Promise<Transfer> {
  const meter = new Meter()
  const received = Promise.withResolvers<Awaited<ReturnType<typeof receiveAll>>>()
  await b.handle(STREAM, (stream: Stream) => received.resolve(receiveAll(stream, meter.onBytes)))
  const link = await a.services.links.dial(b.peerId)
  const stream = await link.connection.newStream(STREAM)
  const hash = createHash('sha256')
  let bytes = 0
  let isOver = false
  const sending = (async () => {
    for (let n = 0; !isOver; n++) {
      const piece = new Uint8Array(PIECE_BYTES).fill(n)
      hash.update(piece)
      await sendAll(stream, piece)
      bytes += piece.byteLength
      await sleep(PIECE_EVERY_MS)
    }
  })()
  // Whoever ends the test early has a better reason to tell.
  sending.catch(() => {})
  await meter.more()
  return {
    link,
    meter,
    async end() {
      isOver = true
      await sending
      await stream.close()
      const got = await received.promise
      expect(got.error).toBeUndefined()
      expect(got.hash).toBe(hash.digest('hex'))
      return bytes - got.bytes
    }
  }
}

function isReservedAt(node: HoldfastNode, relay: TestRelay): boolean {
  return node.services.links.reservations.some(
    ({ relay: id, state }) => `${id}` === relay.peerId && state.status === 'reserved'
  )
}

/** Whether the node wants to be there whenever it can: with three relays, one is a spare. */
function isFirstChoice(node: HoldfastNode, relay: TestRelay): boolean {
  return node.services.links.reservations.slice(0, 2).some(({ relay: id }) => `${id}` === relay.peerId)
}

const reservationCount = (node: HoldfastNode): number =>
  node.services.links.reservations.filter(({ state }) => state.status === 'reserved').length

const startRelays = (count: number, options?: StartRelayOptions): Promise<TestRelay[]> =>
  Promise.all(Array.from({ length: count }, () => startOwnRelay(options)))

const multiaddrsOf = (relays: readonly TestRelay[]): string[] => relays.flatMap(({ multiaddrs }) => multiaddrs)

function activeRelay(link: Link, relays: readonly TestRelay[]): TestRelay {
  const active = link.paths.find(({ role }) => role === 'active') ?? link.paths[0]
  const relay = relays.find(({ peerId }) => active?.remoteAddr.toString().includes(peerId))
  if (relay == null) throw new Error(`no relay of ours is in ${active?.remoteAddr}`)
  return relay
}

const moves: number[] = []
const returns: number[] = []
let lostBytes = 0

afterAll(() => {
  record('relays killed under a transfer', {
    kills: moves.length,
    moveMsMedian: Math.round(percentile(moves, 0.5)),
    moveMsMax: Math.round(Math.max(...moves)),
    lostBytes
  })
  record('relays that came back', {
    returns: returns.length,
    reservedAgainMsMedian: Math.round(percentile(returns, 0.5)),
    reservedAgainMsMax: Math.round(Math.max(...returns))
  })
})

describe.each([
  ['Holdfast relays', 2, {}],
  ['Holdfast relays', 3, {}],
  ['stock relays', 2, { stock: true, limitBytes: 0, limitSeconds: 0 }],
  ['stock relays', 3, { stock: true, limitBytes: 0, limitSeconds: 0 }]
] as const)('%s, two of %d', (_kind, count, options) => {
  it('a relay that is killed costs a relayed link a stall and no byte; its return is used again', async () => {
    const relays = await startRelays(count, options)
    const [a, b] = await startPair(multiaddrsOf(relays), { upgrade: 'never' })
    await eventually('two reservations each', () => [a, b].every((node) => reservationCount(node) >= 2))
    const { link, meter, end } = await transfer(a, b)
    for (let kill = 0; kill < amount('stock' in options ? 2 : 3, 10); kill++) {
      const killed = activeRelay(link, relays)
      const affected = [a, b].filter((node) => isReservedAt(node, killed))
      const lost = affected.map((node) => waitFor<ReservationLostDetail>(node.services.links, 'reservation:lost'))
      meter.reset()
      await killed.kill()
      for (const { relay, cause } of await Promise.all(lost)) {
        expect(relay.toString()).toBe(killed.peerId)
        expect(cause).toBe('the connection to the relay was lost')
      }
      await eventually('the link goes over another relay', () => {
        return link.paths.some(({ remoteAddr }) => !remoteAddr.toString().includes(killed.peerId))
      })
      await meter.more()
      moves.push(meter.longestGapMs)
      if (count === 3) {
        await eventually('another relay steps in', () => [a, b].every((node) => reservationCount(node) >= 2))
      }
      await killed.restart()
      const upAt = performance.now()
      await Promise.all(
        affected.map(async (node) => {
          if (!isFirstChoice(node, killed)) return
          await eventually('the relay has the node again', () => isReservedAt(node, killed))
          returns.push(performance.now() - upAt)
        })
      )
    }
    const lost = await end()
    lostBytes += lost
    expect(lost).toBe(0)
    expect(Math.max(...moves)).toBeLessThan(2_000)
    expect(Math.max(...returns)).toBeLessThan(3_000)
  })
})

it('a relay that hangs: the link goes on over the other one, and back when that hangs', async () => {
  const relays = await startRelays(2)
  const [a, b] = await startPair(multiaddrsOf(relays), { upgrade: 'never' })
  await eventually('two reservations each', () => [a, b].every((node) => reservationCount(node) === 2))
  const { link, meter, end } = await transfer(a, b)
  const stalls: number[] = []
  for (let hang = 0; hang < amount(2, 10); hang++) {
    const hung = activeRelay(link, relays)
    meter.reset()
    process.kill(hung.pid, 'SIGSTOP')
    try {
      await eventually('the link goes over another relay', () => {
        return link.paths.some(({ remoteAddr }) => !remoteAddr.toString().includes(hung.peerId))
      })
      await meter.more()
      stalls.push(meter.longestGapMs)
      await eventually('the hung path is given up', () =>
        link.paths.every(({ remoteAddr }) => !remoteAddr.toString().includes(hung.peerId))
      )
    } finally {
      process.kill(hung.pid, 'SIGCONT')
    }
    await eventually('both are reserved', () => [a, b].every((node) => reservationCount(node) === 2))
  }
  expect(await end()).toBe(0)
  record('relays that hang under a transfer', {
    hangs: stalls.length,
    moveMsMedian: Math.round(percentile(stalls, 0.5)),
    moveMsMax: Math.round(Math.max(...stalls)),
    lostBytes: 0
  })
})

describe('a dial with dead relays in the list', () => {
  const DEAD_MAX = 3
  const ROUNDS = amount(3, 10)
  /** Nothing listens there. */
  const DROPPED_PORTS = [10, 11, 12]
  let living: TestRelay
  let hanging: TestRelay[]
  let withoutDeadMs: number

  /** A peer behind the living relay; for everybody who asks it comes after these others. */
  async function peerThatLikesLeast(others: readonly string[]): Promise<HoldfastNode> {
    let privateKey = await generateKeyPair('Ed25519')
    const ids = [living.peerId, ...others.map((address) => address.split('/').at(-1)!)]
    const last = (): string | undefined =>
      relayOrder(peerIdFromPrivateKey(privateKey).toString(), ids, (id) => id).at(-1)
    while (last() !== living.peerId) privateKey = await generateKeyPair('Ed25519')
    return startNode({ relays: living.multiaddrs, upgrade: 'never', libp2p: { privateKey } })
  }

  async function dialMs(
    dead: readonly string[],
    beforeDial: (node: HoldfastNode) => Promise<void> = async () => {}
  ): Promise<number> {
    const peer = await peerThatLikesLeast(dead)
    // New each time: it remembers which relays did not answer.
    const node = await startNode({ relays: [...dead, ...living.multiaddrs], reservations: 0, upgrade: 'never' })
    await beforeDial(node)
    const before = performance.now()
    await node.services.links.dial(peer.peerId)
    return performance.now() - before
  }

  async function median(run: () => Promise<number>): Promise<number> {
    const runs: number[] = []
    for (let round = 0; round < ROUNDS; round++) runs.push(await run())
    return Math.round(percentile(runs, 0.5))
  }

  async function someDeadRelay(port: number): Promise<string> {
    return deadRelay(peerIdFromPrivateKey(await generateKeyPair('Ed25519'))).replace('/tcp/9/', `/tcp/${port}/`)
  }

  beforeAll(async () => {
    const all = await Promise.all(Array.from({ length: 1 + DEAD_MAX }, () => startRelay()))
    living = all[0]!
    hanging = all.slice(1)
  })

  afterAll(() => Promise.all([living, ...hanging].map((relay) => relay.stop())))

  it('costs what it costs without any', async () => {
    await dialMs([])
    withoutDeadMs = await median(() => dialMs([]))
    record('dial without dead relays', { ms: withoutDeadMs })
  })

  async function compare(name: string, run: (count: number) => Promise<number>): Promise<void> {
    const figures: Record<string, number> = {}
    for (let count = 1; count <= DEAD_MAX; count++) figures[`ms${count}`] = await median(() => run(count))
    record(`dial with dead relays: ${name}`, figures)
    for (const [of, ms] of Object.entries(figures)) expect(ms, of).toBeLessThan(withoutDeadMs + 300)
  }

  it('at most 300 ms more where they refuse', () =>
    compare('refuse', async (count) => {
      return dialMs(await Promise.all(Array.from({ length: count }, () => someDeadRelay(9))))
    }))

  it('at most 300 ms more where packets to them are dropped', async ({ skip }) => {
    const why = whyNotDropTcp()
    if (why != null) skip(why)
    await dropTcp(DROPPED_PORTS)
    onTestFinished(restoreTcp)
    await compare('dropped', async (count) => {
      return dialMs(await Promise.all(DROPPED_PORTS.slice(0, count).map(someDeadRelay)))
    })
  })

  it('at most 300 ms more where they hang, and this node is connected to them', () =>
    compare('hang', async (count) => {
      const hung = hanging.slice(0, count)
      try {
        return await dialMs(multiaddrsOf(hung), async (node) => {
          await Promise.all(multiaddrsOf(hung).map((address) => node.dial(multiaddr(address))))
          for (const { pid } of hung) process.kill(pid, 'SIGSTOP')
        })
      } finally {
        for (const { pid } of hung) process.kill(pid, 'SIGCONT')
      }
    }))
})
