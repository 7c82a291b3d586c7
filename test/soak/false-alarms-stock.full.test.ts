// What the false alarms of ours are measured by, with js-libp2p alone: nothing is asserted of it.
import { describe, expect, it } from 'vitest'
import type { Impairment } from '../natlab/index.ts'
import { whyNot } from './support/outage/place.ts'
import { percentile, record } from './support/soak.ts'
import type { StockWay } from './support/stock/node.ts'
import { type Talkers, withTalkers } from './support/stock/talkers.ts'

const RTT_MS = 30
const STALLS = 3
const STALL_MS = 2_000
const AFTERMATH_MS = 3_000
const ECHO_EVERY_MS = 20
const BULK_MS = 20_000
const BULK_RUNS = 2
const MBIT = 1_000_000

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const wire = (rateBitsPerSecond: number, queueMs?: number): Impairment => ({
  delayMs: RTT_MS / 4,
  rateBitsPerSecond,
  queueMs
})

async function judge(name: string, { a, b }: Talkers): Promise<void> {
  const [ofA, ofB] = await Promise.all([a.ask('told'), b.ask('told')])
  expect(ofA.rttsMs.length, `${name}: echoes of the control`).toBeGreaterThan(0)
  const all = [...ofA.ended, ...ofB.ended]
  const ended = all.map(({ what }) => what)
  record(`${name}, stock`, {
    connectionsClosed: ofA.closed.length + ofB.closed.length,
    streamsEnded: ended.length,
    ...(ended.length > 0
      ? { endedBy: [...new Set(ended)].join('; '), endedAfterMs: Math.min(...all.map(({ at }) => at)) - ofA.began }
      : {}),
    echoes: ofA.rttsMs.length,
    unanswered: ofA.unanswered,
    rttMsP50: Math.round(percentile(ofA.rttsMs, 0.5)),
    rttMsP99: Math.round(percentile(ofA.rttsMs, 0.99)),
    rttMsMax: Math.round(Math.max(...ofA.rttsMs)),
    bulkBytes: ofB.receivedBytes
  })
}

describe.skipIf(whyNot != null)('js-libp2p alone, where ours must raise no false alarm', () => {
  const ways: StockWay[] = ['direct', 'relayed']
  const stalls = ways.flatMap((way) =>
    [false, true].map((bulk) => ({ way, bulk, with: bulk ? 'echo and bulk' : 'echo' }))
  )

  it.each(stalls)('a stall of 2 s: $way, $with', ({ way, bulk, with: traffic }) =>
    withTalkers(wire(20 * MBIT), async (talkers) => {
      const { a, b, ofB } = talkers
      await a.ask('talk', { to: ofB, way, everyMs: ECHO_EVERY_MS, bulk })
      await pause(AFTERMATH_MS)
      for (let i = 0; i < STALLS; i++) {
        for (const peer of [a, b]) {
          await peer.ask('stall', STALL_MS)
          await pause(AFTERMATH_MS)
        }
      }
      await judge(`stall of ${STALL_MS} ms, ${way}, ${traffic}`, talkers)
    })
  )

  const lines = { '1 Mbit/s': wire(MBIT), '1 Mbit/s, queue of 1 s': wire(MBIT, 1_000) }
  const queues = Object.entries(lines).flatMap(([line, impair]) => ways.map((way) => ({ line, impair, way })))

  it.each(queues)('bulk of its own: $line, $way', async ({ line, impair, way }) => {
    const run = (): Promise<void> =>
      withTalkers(impair, async (talkers) => {
        const { a, ofB } = talkers
        await a.ask('talk', { to: ofB, way, everyMs: ECHO_EVERY_MS, bulk: true })
        await pause(BULK_MS)
        await judge(`bulk over ${line}, ${way}`, talkers)
      })
    await Promise.all(Array.from({ length: BULK_RUNS }, run))
  })
})
