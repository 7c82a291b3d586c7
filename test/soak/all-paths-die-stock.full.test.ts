// The outages of all-paths-die with js-libp2p alone and an application that dials again every second: nothing is asserted of it.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { whyNot } from './support/outage/place.ts'
import { percentile, record } from './support/soak.ts'
import type { StockWay } from './support/stock/node.ts'
import { type Talker, type Talkers, withTalkers } from './support/stock/talkers.ts'

const RUNS = 3
const IMPAIRMENT = { delayMs: 7.5, rateBitsPerSecond: 20_000_000 }
const ECHO_EVERY_MS = 20
const WARM_UP_MS = 1_500
/** Longer than that is `never`. */
const WATCHED_MS = 60_000
/** Once it flows again: what was under way may still arrive. */
const AFTERMATH_MS = 5_000

interface StockOutage {
  /** From its end until an echo came back; by the old stream or a new one. */
  readonly flowingMs: number | undefined
  readonly isOldStream: boolean
  readonly bytesLost: number
  readonly ended: readonly string[]
}

async function outage(talkers: Talkers, way: StockWay, ms: number): Promise<StockOutage> {
  const { a, b, ofA, ofB, hosts } = talkers
  await a.ask('talk', { to: ofB, way, everyMs: ECHO_EVERY_MS, bulk: true })
  await sleep(WARM_UP_MS)
  const before = await a.ask('told')
  expect(before.rttsMs.length, 'echoes of the control before the outage').toBeGreaterThan(0)
  await Promise.all([a.ask('keepConnected', { to: ofB, everyMs: ECHO_EVERY_MS }), b.ask('keepConnected', { to: ofA })])
  await Promise.all(hosts.map((host) => host.cut()))
  await sleep(ms)
  await Promise.all(hosts.map((host) => host.restore()))
  const endedAt = Date.now()
  const answer = await answerAfter(a, endedAt)
  await sleep(AFTERMATH_MS)
  await a.ask('hush')
  await sleep(AFTERMATH_MS)
  const [ofTheSender, ofTheOther] = await Promise.all([a.ask('told'), b.ask('told')])
  return {
    flowingMs: answer == null ? undefined : answer.at - endedAt,
    isOldStream: answer?.echo === 1,
    bytesLost: ofTheSender.sentBytes - ofTheOther.receivedBytes,
    ended: ofTheSender.ended.map(({ what }) => what)
  }
}

async function answerAfter(a: Talker, at: number): Promise<{ at: number; echo: number } | undefined> {
  while (Date.now() < at + WATCHED_MS) {
    const answer = await a.ask('answerAfter', at)
    if (answer != null) return answer
    await sleep(100)
  }
  return undefined
}

const cases = (['direct', 'relayed'] satisfies StockWay[]).flatMap((way) =>
  [3, 20].map((seconds) => ({ way, seconds }))
)

describe.skipIf(whyNot != null)('js-libp2p alone, when all paths die', () => {
  it.each(cases)('$way, for $seconds s: what becomes of its stream and its bytes', async ({ way, seconds }) => {
    const outages = await Promise.all(
      Array.from({ length: RUNS }, () => withTalkers(IMPAIRMENT, (talkers) => outage(talkers, way, seconds * 1_000)))
    )
    const flowing = outages.map(({ flowingMs }) => flowingMs ?? Number.POSITIVE_INFINITY)
    const orNever = (ms: number): number | string => (Number.isFinite(ms) ? ms : `never within ${WATCHED_MS} ms`)
    record(`all paths die, ${way}, ${seconds} s, stock`, {
      outages: RUNS,
      streamWentOn: outages.filter(({ isOldStream }) => isOldStream).length,
      flowingMsP50: orNever(percentile(flowing, 0.5)),
      flowingMsMax: orNever(Math.max(...flowing)),
      bytesLost: outages.map(({ bytesLost }) => bytesLost).join(', '),
      endedBy: [...new Set(outages.flatMap(({ ended }) => ended))].join('; ')
    })
  })

  it('what it cannot run', () => {
    record('all paths die, for good, stock', {
      notRun: 'js-libp2p has no resume window: a stream ends with its connection, and nothing tells of a deadline'
    })
  })
})
