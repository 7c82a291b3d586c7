// Many connections of one node with js-libp2p alone, some of their peers stopped or not reading: nothing is asserted of it.
import { expect, it, onTestFinished } from 'vitest'
import { Crowd, type Others } from './support/many/crowd.ts'
import type { Measured } from './support/many/node-program.ts'
import { percentile, record } from './support/soak.ts'

const PEERS = { relayed: 8, websocket: 6, webrtc: 2 }
const INTERVAL_MS = 100
const ROUNDS = 3
const RUN_MS = 5_000

/** The same number in both runs. */
const GOOD: Others = { good: ['relayed', 'relayed', 'websocket', 'websocket'] }
const BAD: Others = { stopped: ['relayed', 'websocket'], unread: ['relayed', 'websocket'] }

it.each([false, true])('20 links, 4 of them with stopped and unread peers; js-libp2p alone: %s', async (stock) => {
  const crowd = await Crowd.start({ peers: PEERS, intervalMs: INTERVAL_MS, stock })
  onTestFinished(() => crowd.stop())
  const without: Measured[] = []
  const beside: Measured[] = []
  for (let round = 0; round < ROUNDS; round++) {
    without.push(await crowd.measureWith(GOOD, RUN_MS))
    beside.push(await crowd.measureWith(BAD, RUN_MS))
  }
  const [before, after] = [p99Ms(without), p99Ms(beside)]
  expect(before, 'echoes of the control').toBeGreaterThan(0)
  record(`many: 20 links, 4 stopped or unread, ${stock ? 'stock' : 'ours'}`, {
    runs: ROUNDS,
    p99Ms: before,
    p99MsBeside: after,
    ratio: Math.round((after / before) * 100) / 100,
    p99MsEach: [...without, ...beside].map(({ echoesMs }) => tenths(percentile(echoesMs, 0.99))).join(', '),
    missing: [...without, ...beside].reduce((sum, { missing }) => sum + missing, 0),
    lost: (await crowd.outages()).length,
    notRun: 'hostile peers: they speak the protocol of Holdfast, which js-libp2p does not'
  })
})

/** Of the run in the middle. */
function p99Ms(runs: readonly Measured[]): number {
  const each = runs.map(({ echoesMs }) => percentile(echoesMs, 0.99))
  return tenths(percentile(each, 0.5))
}

const tenths = (value: number): number => Math.round(value * 10) / 10
