// Many links of one node: what dead, slow and hostile peers do costs the others nothing they could notice.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Crowd, type Others } from './support/many/crowd.ts'
import type { Measured } from './support/many/node-program.ts'
import { amount, isFull, percentile, record } from './support/soak.ts'

/** The same number in all runs: beside the measured ones these, in order or not. */
const GOOD: Others = isFull
  ? { good: [...Array(5).fill('relayed'), ...Array(5).fill('websocket')] }
  : { good: [...Array(3).fill('relayed'), ...Array(3).fill('websocket')] }

const BAD: Others = isFull
  ? {
      stopped: ['relayed', 'websocket'],
      unread: ['relayed', 'websocket'],
      attackers: [
        { attack: 'garbage', via: 'websocket' },
        { attack: 'pings', via: 'websocket' },
        { attack: 'crumbs', via: 'websocket' },
        { attack: 'opens', via: 'relayed' },
        { attack: 'silent', via: 'relayed' },
        { attack: 'reconnects', via: 'relayed' }
      ]
    }
  : {
      stopped: ['relayed'],
      unread: ['websocket'],
      attackers: [
        { attack: 'garbage', via: 'websocket' },
        { attack: 'pings', via: 'websocket' },
        { attack: 'crumbs', via: 'websocket' },
        { attack: 'opens', via: 'relayed' }
      ]
    }

/**
 * Hostile peers, their relay and the node they turn to share two cores with everybody who is measured. Beside the same peers
 * turned to another node, what is left is what links of one node do to each other.
 */
const ELSEWHERE: Others = { ...BAD, elsewhere: true }

/** Interleaved, so that whatever else the machine does meets both alike. */
const ROUNDS = amount(2, 6)
const RUN_MS = amount(2_000, 20_000)

const MAX_RATIO = 1.5

/**
 * The short form runs beside whatever else the machine does, for some seconds, on echoes of about a millisecond: what its
 * scheduler adds to a few of them is not told from a stall below this. The full form allows none.
 */
const SLACK_MS = amount(20, 0)

let crowd: Crowd

beforeAll(async () => {
  const peers = isFull ? { relayed: 40, websocket: 40, webrtc: 10 } : { relayed: 8, websocket: 6, webrtc: 2 }
  crowd = await Crowd.start({ peers, intervalMs: amount(100, 200) })
}, 120_000)

afterAll(() => crowd?.stop())

it(`${amount(22, 100)} links, ${amount(6, 10)} of them with dead, slow and hostile peers: the others keep their latency`, async () => {
  const without: Measured[] = []
  const elsewhere: Measured[] = []
  const beside: Measured[] = []
  for (let round = 0; round < ROUNDS; round++) {
    without.push(await crowd.measureWith(GOOD, RUN_MS))
    elsewhere.push(await crowd.measureWith(ELSEWHERE, RUN_MS))
    beside.push(await crowd.measureWith(BAD, RUN_MS))
  }
  const [quiet, busy, after] = [figures(without), figures(elsewhere), figures(beside)]
  const ratio = after.p99Ms / busy.p99Ms
  record('many: links in order, without bad peers, with bad peers of another node, and beside them', {
    links: amount(22, 100),
    bad: amount(6, 10),
    runs: ROUNDS,
    p50Ms: quiet.p50Ms,
    p99Ms: quiet.p99Ms,
    cpuPercent: quiet.cpuPercent,
    p50MsElsewhere: busy.p50Ms,
    p99MsElsewhere: busy.p99Ms,
    cpuPercentElsewhere: busy.cpuPercent,
    p50MsBeside: after.p50Ms,
    p99MsBeside: after.p99Ms,
    cpuPercentBeside: after.cpuPercent,
    ratioToWithout: after.p99Ms / quiet.p99Ms,
    ratio
  })
  expect(await crowd.outages(), 'no link with a peer in order is lost').toEqual([])
  expect([...without, ...beside].map(({ missing }) => missing)).toEqual(Array(2 * ROUNDS).fill(0))
  expect(after.p99Ms).toBeLessThanOrEqual(MAX_RATIO * busy.p99Ms + SLACK_MS)
})

/** Of all runs, the one in the middle: one in which somebody else had the machine does not count. */
function figures(runs: readonly Measured[]): { p50Ms: number; p99Ms: number; cpuPercent: number } {
  const median = (of: (run: Measured) => number): number => Math.round(percentile(runs.map(of), 0.5) * 100) / 100
  return {
    p50Ms: median(({ echoesMs }) => percentile(echoesMs, 0.5)),
    p99Ms: median(({ echoesMs }) => percentile(echoesMs, 0.99)),
    cpuPercent: median(({ cpuMs, elapsedMs }) => (cpuMs / elapsedMs) * 100)
  }
}
