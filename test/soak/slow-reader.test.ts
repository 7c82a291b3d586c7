// A reader that stops costs each side at most 8 MiB, resets nothing, and other streams of the link do not notice.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { within } from '../support/wait-for.ts'
import type { Way } from './support/slow-reader/node.ts'
import type { Manner } from './support/slow-reader/reading.ts'
import { figuresOf, runSlowReader } from './support/slow-reader/run.ts'
import { amount, describeInFull, record } from './support/soak.ts'

const MIB = 1_048_576
const MAX_BUFFERED_MIB = 8
/**
 * What the process may grow by while the reader is paused: native buffers of WebRTC are seen only here. V8's young generation takes up
 * to two semi-spaces of 16 MiB for the echoes of a minute, however little is buffered.
 */
const MAX_GROWN_MIB = MAX_BUFFERED_MIB + amount(0, 32)
const STOCK_RUNS = 3
const STOCK_MAX_SEND_MS = 60_000
/** Until the pause, the pause, and the rest. */
const STOCK_TIMEOUT_MS = 160_000

/** Collecting garbage: of 40 round trips the slowest is the 99th percentile. */
const NOISE_MS = 50
/** Processes that an echo passes, the relay twice: each may be as late as the writer's timer. */
const WAITS = 5
/** Bulk keeps twice the bandwidth-delay product in flight, of 10 ms at least: that queue is its own. */
const QUEUE_MS = 150

const amounts = {
  warmUpBytes: amount(8 * MIB, 64 * MIB),
  idleMs: amount(1_000, 5_000),
  pauseMs: amount(2_000, 60_000)
}

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(() => relay?.stop())

describe.each<Way>(['webrtc', 'relay'])('a reader that stops, over %s,', (way) => {
  it.each<Manner>(['for await', 'events'])('with %s', async (manner) => {
    const bytes = amount(40 * MIB, 1_024 * MIB)
    const relays = relay.multiaddrs
    const slowness = await runSlowReader({ ...amounts, kind: 'ours', way, relays, manner, bytes })
    record(`slow reader, ours, ${way}, ${manner}`, figuresOf(slowness))
    const { sent, received, heldMiB, liveMiB, residentMiB, idle, paused, busy } = slowness
    expect(sent.error).toBe(undefined)
    expect(received).toEqual(sent)
    expect(heldMiB).toBeLessThanOrEqual(MAX_BUFFERED_MIB)
    expect(liveMiB).toBeLessThanOrEqual(MAX_BUFFERED_MIB)
    expect(residentMiB).toBeLessThanOrEqual(MAX_GROWN_MIB)
    expect(paused.msP50).toBeLessThanOrEqual(2 * idle.msP50 + paused.lateMsP99)
    expect(paused.msP99).toBeLessThanOrEqual(idle.msP99 + NOISE_MS + WAITS * paused.lateMsP99)
    expect(busy.msP50).toBeLessThanOrEqual(idle.msP50 + QUEUE_MS + WAITS * busy.lateMsP99)
  })
})

// Far less of everything shows what it does.
describeInFull('the same with js-libp2p alone', () => {
  const ways: Way[] = ['webrtc', 'relay']
  const cases = ways.flatMap((way) => (['for await', 'events'] satisfies Manner[]).map((manner) => ({ way, manner })))

  it.each(cases)('over $way, with $manner', async ({ way, manner }) => {
    for (let i = 0; i < STOCK_RUNS; i++) {
      const few = { warmUpBytes: MIB, idleMs: 1_000, pauseMs: 5_000, bytes: 40 * MIB }
      const figures = await runSlowReader({ ...few, kind: 'stock', way, relays: relay.multiaddrs, manner }).then(
        figuresOf,
        (err: Error) => ({ failed: err.message.split('\n', 1)[0]! })
      )
      record(`slow reader, stock, ${way}, ${manner}`, figures)
    }
  })

  it.each(cases)('1 GB over $way, with $manner', async ({ way, manner }) => {
    const much = { warmUpBytes: MIB, idleMs: 1_000, pauseMs: 20_000, bytes: 1_024 * MIB, maxSendMs: STOCK_MAX_SEND_MS }
    const run = runSlowReader({ ...much, kind: 'stock', way, relays: relay.multiaddrs, manner })
    const figures = await within(STOCK_TIMEOUT_MS, 'all that was sent is read', run).then(figuresOf, (err: Error) => ({
      failed: err.message.split('\n', 1)[0]!
    }))
    record(`slow reader of 1 GB, stock, ${way}, ${manner}`, figures)
  })
})
