// What connections of js-libp2p alone leave behind: nothing is asserted of it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { LeaksRelayCommands } from './support/leaks-relay.ts'
import { startProgram } from './support/program.ts'
import { slope } from './support/slope.ts'
import { record } from './support/soak.ts'
import type { StockLeaksCommands, StockRemains } from './support/stock/leaks-peer.ts'
import type { StockWay } from './support/stock/node.ts'

const WARM_UP = 20
const CYCLES = 200
const MEASUREMENTS = 5
/** identify's streams stay in memory as long as its deadline would. */
const IDENTIFY_TIMEOUT_MS = 5_500

interface Point {
  readonly at: number
  readonly dialler: StockRemains
  readonly listener: StockRemains
}

it.each(['direct', 'relayed'] satisfies StockWay[])('200 cycles of dial, stream and close, %s', async (way) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-leaks-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const relay = startProgram<LeaksRelayCommands>('leaks-relay')
  const dialler = startProgram<StockLeaksCommands>('stock/leaks-peer')
  const listener = startProgram<StockLeaksCommands>('stock/leaks-peer')
  const relays = await relay.ask('start', join(folder, 'identity.key'))
  const [, to] = await Promise.all([dialler.ask('start', relays), listener.ask('start', relays)])
  const failures: string[] = []
  const cycle = async (): Promise<void> => {
    await dialler.ask('cycle', { to, way }).catch((err: Error) => {
      failures.push(err.message.split('\n', 1)[0]!)
    })
  }
  const measure = async (at: number): Promise<Point> => {
    await new Promise((resolve) => setTimeout(resolve, IDENTIFY_TIMEOUT_MS))
    const [ofDialler, ofListener] = await Promise.all([dialler.ask('remains'), listener.ask('remains')])
    return { at, dialler: ofDialler, listener: ofListener }
  }
  for (let i = 0; i < WARM_UP; i++) await cycle()
  expect(failures.length, `dials of the control that failed at first: ${failures}`).toBeLessThan(WARM_UP)
  failures.length = 0
  const points = [await measure(0)]
  for (let i = 1; i <= CYCLES; i++) {
    await cycle()
    if (i % (CYCLES / MEASUREMENTS) === 0) points.push(await measure(i))
  }
  for (const who of ['dialler', 'listener'] as const) {
    const each = (of: (remains: StockRemains) => number): number =>
      Math.round(slope(points.slice(1).map((point) => [point.at, of(point[who])])) * 100) / 100
    const [first, last] = [points[0]![who], points.at(-1)![who]]
    record(`cycles, ${way}, ${who}, stock`, {
      times: CYCLES,
      failed: failures.length,
      ...(failures.length > 0 ? { failedBy: [...new Set(failures)].join('; ') } : {}),
      heapBytesEach: each(({ heapBytes }) => heapBytes),
      externalBytesEach: each(({ externalBytes }) => externalBytes),
      rssBytesEach: each(({ rssBytes }) => rssBytes),
      listenersEach: each(({ listeners }) => listeners),
      fdsEach: each(({ fds }) => fds),
      fds: `${first.fds} to ${last.fds}`,
      timers: `${first.timers} to ${last.timers}`,
      handles: `${first.handles} to ${last.handles}`,
      connections: `${first.connections} to ${last.connections}`
    })
  }
})

it('what js-libp2p cannot run', () => {
  record('migrations, stock', { notRun: 'a stream of js-libp2p cannot move from one connection to another' })
})
