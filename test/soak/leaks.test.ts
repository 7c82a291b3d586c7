// Links come and go, their paths come and go, and nothing of them stays behind: memory, descriptors, timers, listeners, entries.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startOwnRelay } from '../support/nodes.ts'
import type { EndingCommands, Situation } from './support/ending-peer.ts'
import type { LeaksPeerCommands, Way } from './support/leaks-peer.ts'
import type { LeaksRelayCommands } from './support/leaks-relay.ts'
import { type Program, startProgram } from './support/program.ts'
import type { ProcessRemains, Remains } from './support/remains.ts'
import { slope } from './support/slope.ts'
import { amount, itInFull, record } from './support/soak.ts'

const WAYS: readonly Way[] = ['direct', 'relayed', 'switched', 'cut', 'left by the peer']

/** Code is compiled and pools are filled. */
const WARM_UP = amount(5, 100)
const CYCLES = amount(15, 1_000)
const MIGRATIONS = 1_000
const MEASUREMENTS = amount(1, 20)

/** identify's streams stay in memory as long as its deadline would, longer than any other. */
const IDENTIFY_TIMEOUT_MS = 5_500

/**
 * What is left of one link, as the slope over the later half of a run. One that stays as a whole has 180 kB and 100 listeners. In a
 * short run most of the memory is compiled code: there listeners tell.
 */
const MAX_HEAP_BYTES_EACH = amount(120_000, 8_000)
const MAX_EXTERNAL_BYTES_EACH = amount(20_000, 2_000)
const MAX_RSS_BYTES_EACH = amount(2_000_000, 20_000)
/** Some signals come and go. */
const MAX_LISTENERS_EACH = amount(2, 0.2)

type Names = 'dialler' | 'listener'
interface Peers extends Record<Names, Program<LeaksPeerCommands>> {
  readonly relay: Program<LeaksRelayCommands>
  readonly listenerId: string
}

async function startPeers(): Promise<Peers> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-leaks-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const relay = startProgram<LeaksRelayCommands>('leaks-relay')
  const dialler = startProgram<LeaksPeerCommands>('leaks-peer')
  const listener = startProgram<LeaksPeerCommands>('leaks-peer')
  const relays = await relay.ask('start', join(folder, 'identity.key'))
  const [, listenerId] = await Promise.all([dialler, listener].map((peer) => peer.ask('start', relays)))
  return { relay, dialler, listener, listenerId: listenerId! }
}

interface Point extends Record<Names, Remains> {
  readonly at: number
  readonly relay: ProcessRemains
}

async function measure(peers: Peers, at: number, links: number): Promise<Point> {
  await new Promise((resolve) => setTimeout(resolve, IDENTIFY_TIMEOUT_MS))
  const [dialler, listener, relay] = await Promise.all([
    peers.dialler.ask('remains', { links }),
    peers.listener.ask('remains', { links }),
    peers.relay.ask('remains')
  ])
  return { at, dialler, listener, relay }
}

interface Course {
  readonly links: number
  readonly times: number
  run(i: number): Promise<void>
}

async function measured(peers: Peers, { links, times, run }: Course): Promise<Point[]> {
  for (let i = 0; i < WARM_UP; i++) await run(i)
  const points = [await measure(peers, 0, links)]
  for (let i = 1; i <= times; i++) {
    await run(i)
    if (i % Math.ceil(times / MEASUREMENTS) === 0) points.push(await measure(peers, i, links))
  }
  return points
}

function judge(name: string, points: readonly Point[]): void {
  // What is compiled, and what allocators take for themselves, comes early.
  const late = points.length > 4 ? points.slice(points.length >> 1) : points
  const growth = (of: (point: Point) => number): number =>
    Math.round(slope(late.map((point) => [point.at, of(point)])) * 10) / 10
  const [first, last] = [points[0]!, points.at(-1)!]
  for (const who of ['dialler', 'listener', 'relay'] as const) {
    const figures = {
      times: last.at,
      heapBytesEach: growth((point) => point[who].heapBytes),
      externalBytesEach: growth((point) => point[who].externalBytes),
      rssBytesEach: growth((point) => point[who].rssBytes),
      heapBytes: last[who].heapBytes,
      rssBytes: last[who].rssBytes
    }
    record(`${name}, ${who}`, figures)
    expect(figures.heapBytesEach, `${name}: heap of the ${who}`).toBeLessThan(MAX_HEAP_BYTES_EACH)
    expect(figures.externalBytesEach, `${name}: buffers of the ${who}`).toBeLessThan(MAX_EXTERNAL_BYTES_EACH)
    expect(figures.rssBytesEach, `${name}: memory of the ${who}`).toBeLessThan(MAX_RSS_BYTES_EACH)
    const counts = ({ fds, threads, handles }: ProcessRemains) => ({ fds, threads, handles })
    expect(counts(last[who]), `${name}: what the ${who} holds`).toEqual(counts(first[who]))
    // Some come and go by themselves.
    expect(last[who].timers, `${name}: timers of the ${who}`).toBeLessThanOrEqual(first[who].timers + 2)
  }
  for (const who of ['dialler', 'listener'] as const) {
    const listenersEach = growth((point) => point[who].listeners)
    record(`${name}, ${who}, entries`, { listenersEach, listeners: last[who].listeners })
    expect(listenersEach, `${name}: listeners of the ${who}`).toBeLessThan(MAX_LISTENERS_EACH)
    const counts = ({ connections, dials, links, knownPeers }: Remains) => ({ connections, dials, links, knownPeers })
    expect(counts(last[who]), `${name}: entries of the ${who}`).toEqual(counts(first[who]))
  }
}

describe('links leave nothing behind', () => {
  it('begun, moved and ended in every way', async () => {
    const peers = await startPeers()
    const points = await measured(peers, {
      links: 0,
      times: CYCLES,
      run: (i) => peers.dialler.ask('cycle', { peer: peers.listenerId, way: WAYS[i % WAYS.length]! })
    })
    judge('cycles', points)
  })

  // What a cycle of these leaves is in the test above, where one way does it too.
  itInFull('moved again and again, and never ended', async () => {
    const peers = await startPeers()
    await peers.dialler.ask('openLink', peers.listenerId)
    const points = await measured(peers, {
      links: 1,
      times: MIGRATIONS,
      run: () => peers.dialler.ask('migrate', { peer: peers.listenerId, times: 1 })
    })
    judge('migrations', points)
  })
})

it('after stop() a process ends by itself, whatever was under way', async () => {
  const relay = await startOwnRelay()
  const situations: readonly Situation[] = ['after links', 'while dialling', 'while upgrading', 'while recovering']
  await Promise.all(
    situations.map(async (situation) => {
      const program = startProgram<EndingCommands>('ending-peer')
      await program.ask('stopped', { relays: relay.multiaddrs, situation, links: amount(3, 50) })
      const start = performance.now()
      expect(await program.exits(10_000), situation).toBe(0)
      const exitMs = Math.round(performance.now() - start)
      record(`exit, stopped ${situation}`, { exitMs })
      // libp2p's address manager leaves a timer of 1 s behind.
      expect(exitMs, situation).toBeLessThan(2_500)
    })
  )
})
