// Links come and go, their paths come and go, and nothing of them stays behind: memory, descriptors, timers, listeners, entries.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRelay, type TestRelay } from '../support/relay.ts'
import type { EndingCommands, Situation } from './support/ending-peer.ts'
import type { LeaksPeerCommands, Way } from './support/leaks-peer.ts'
import { type Program, startProgram } from './support/program.ts'
import { type Remains, rssBytes, system } from './support/remains.ts'
import { slope } from './support/slope.ts'
import { amount, record } from './support/soak.ts'

const WAYS: readonly Way[] = ['direct', 'relayed', 'switched', 'cut', 'left by the peer']

/** Code is compiled and pools are filled. */
const WARM_UP_CYCLES = amount(10, 100)
const CYCLES = amount(30, 1_000)
const MIGRATIONS = amount(20, 1_000)
const MEASUREMENTS = amount(3, 20)

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(() => relay.stop())

type Names = 'dialler' | 'listener'
type Peers = Record<Names, Program<LeaksPeerCommands>> & { readonly listenerId: string }

async function startPeers(): Promise<Peers> {
  const dialler = startProgram<LeaksPeerCommands>('leaks-peer')
  const listener = startProgram<LeaksPeerCommands>('leaks-peer')
  const [, listenerId] = await Promise.all([dialler, listener].map((peer) => peer.ask('start', relay.multiaddrs)))
  return { dialler, listener, listenerId: listenerId! }
}

type Point = Record<Names, Remains> & { readonly at: number; readonly relay: { fds: number; rssBytes: number } }

async function measure({ dialler, listener }: Peers, at: number, links: number): Promise<Point> {
  const [ofDialler, ofListener] = await Promise.all([
    dialler.ask('remains', { links }),
    listener.ask('remains', { links })
  ])
  const point = {
    at,
    dialler: ofDialler,
    listener: ofListener,
    relay: { fds: system(relay.pid).fds, rssBytes: rssBytes(relay.pid) }
  }
  if (process.env.LEAKS_DEBUG) console.log(JSON.stringify(point))
  return point
}

async function measured(peers: Peers, links: number, warmUp: number, times: number, run: (i: number) => Promise<void>) {
  for (let i = 0; i < warmUp; i++) await run(i)
  const points = [await measure(peers, 0, links)]
  for (let i = 1; i <= times; i++) {
    await run(i)
    if (i % Math.floor(times / MEASUREMENTS) === 0) points.push(await measure(peers, i, links))
  }
  if (process.env.LEAKS_SNAPSHOT) {
    await peers.dialler.ask('snapshot', '/tmp/leaks/d.heapsnapshot')
    await peers.listener.ask('snapshot', '/tmp/leaks/l.heapsnapshot')
  }
  return points
}

function judge(name: string, points: readonly Point[]): void {
  for (const who of ['dialler', 'listener'] as const) {
    const per = (field: keyof Remains): number =>
      Math.round(slope(points.map((point) => [point.at, point[who][field]])) * 10) / 10
    record(`${name}, ${who}`, {
      heapBytesPerCycle: per('heapBytes'),
      externalBytesPerCycle: per('externalBytes'),
      rssBytesPerCycle: per('rssBytes'),
      listenersPerCycle: per('listeners'),
      heapBytes: points.at(-1)![who].heapBytes,
      rssBytes: points.at(-1)![who].rssBytes
    })
  }
}

describe('links', () => {
  it('begun, moved and ended in every way leave nothing', async () => {
    const peers = await startPeers()
    const points = await measured(peers, 0, WARM_UP_CYCLES, CYCLES, async (i) => {
      await peers.dialler.ask('cycle', { peer: peers.listenerId, way: WAYS[i % WAYS.length]! })
    })
    judge('cycles', points)
  })

  it('one link that moves again and again gathers nothing', async () => {
    const peers = await startPeers()
    await peers.dialler.ask('openLink', peers.listenerId)
    const points = await measured(peers, 1, WARM_UP_CYCLES, MIGRATIONS, async () => {
      await peers.dialler.ask('migrate', { peer: peers.listenerId, times: 1 })
    })
    judge('migrations', points)
  })
})

describe('after stop() a process ends by itself', () => {
  const situations: readonly Situation[] = ['after links', 'while dialling', 'while upgrading', 'while recovering']

  it.for(situations)('%s', async (situation) => {
    const program = startProgram<EndingCommands>('ending-peer')
    await program.ask('stopped', { relays: relay.multiaddrs, situation, links: amount(4, 50) })
    const start = performance.now()
    expect(await program.exits(10_000)).toBe(0)
    const exitMs = performance.now() - start
    record(`exit ${situation}`, { exitMs: Math.round(exitMs) })
    expect(exitMs).toBeLessThan(2_000)
  })
})
