// A stream that is longer than what a stock relay lets through one circuit.
import { whyNotDropUdp } from '../../test/support/udp.ts'
import {
  type Bench,
  type BenchOptions,
  interleave,
  machine,
  medians,
  type Outcome,
  type Sample,
  valuesOf
} from '../harness.ts'
import { type Transfer, type TransferInit, transfer } from '../renewal/transfer.ts'

const RUNS = 3
const STOCK_RUNS = 1
const BYTES = 10 * 1_048_576
const RTT_MS = 30

/** Pauses of the receiver that are told with `--trace`. */
const TOLD_GAP_MS = 100

const peers = {
  ours: new URL('../renewal/holdfast.ts', import.meta.url),
  stock: new URL('../renewal/stock.ts', import.meta.url)
}

export const renewal: Bench = {
  title: '10 MiB through the circuits of a stock relay (2 min, 128 KiB), no direct path: bytes lost, the longest stall',
  isolated: true,
  async run(options) {
    const why = whyNotDropUdp()
    if (why != null) throw new Error(`Without UDP dropped there would be a direct path: ${why}`)
    return measure(options)
  }
}

async function measure(options: BenchOptions): Promise<Outcome> {
  const { runs = RUNS, runsStock = STOCK_RUNS, bytes = BYTES, both = false, rttMs = RTT_MS } = options
  const { limitBytes, limitSeconds, trace = false, log } = options
  const init = { bytes, both, rttMs, limitBytes, limitSeconds }
  const notes: string[] = []
  const once = async (script: URL): Promise<Sample> => {
    const done = await transfer({ ...init, script } satisfies TransferInit)
    if (trace) tell(done, log)
    if (script === peers.stock) notes.push(`stock: ${describe(done)}`)
    else if (!done.isIceTried) throw new Error('No UDP packet was dropped: ICE was not tried')
    else if (!done.isWhole) notes.push(`ours, not what was sent: ${describe(done)}`)
    const { bytesLost, gapMsMax, goodputKiBps, circuits, relayBytesPerByte, relayCpuMsPerMiB } = done
    const always = { bytesLost, circuits, relayBytesPerByte, relayCpuMsPerMiB }
    // What ends in the middle has no rate, and its stall no end.
    return done.isWhole ? { ...always, gapMsMax, goodputKiBps } : always
  }
  const { samples, failures } = await interleave(
    [
      { name: 'ours', run: () => once(peers.ours) },
      ...(runsStock === 0 ? [] : [{ name: 'stock', runs: runsStock, run: () => once(peers.stock) }])
    ],
    runs,
    log
  )
  const { ours = [], stock = [] } = samples
  return {
    result: {
      name: 'renewal',
      ours: summary(ours),
      stock: summary(stock),
      rivals: {},
      runs,
      machine: machine(),
      options: {
        bytes,
        rttMs,
        ...(both ? { both: 1 } : {}),
        ...(limitBytes == null ? {} : { limitBytes }),
        ...(limitSeconds == null ? {} : { limitSeconds })
      }
    },
    samples: { ours, stock },
    caption: `${bytes} bytes ${both ? 'each way' : 'one way'}, ${rttMs} ms; ${ours.length} runs of ours, ${stock.length} of stock`,
    notes: [...notes, ...failures.map((failure) => `made again: ${failure}`)]
  }
}

/** All that was lost in any run, the longest stall of any, and medians of the rest. */
function summary(samples: readonly Sample[]): Sample {
  const losses = valuesOf(samples, 'bytesLost')
  const gaps = valuesOf(samples, 'gapMsMax')
  return {
    ...medians(samples),
    ...(losses.length === 0 ? {} : { bytesLost: losses.reduce((total, bytes) => total + bytes, 0) }),
    ...(gaps.length === 0 ? {} : { gapMsMax: Math.round(Math.max(...gaps) * 10) / 10 })
  }
}

function describe({ takenBytes, receivedBytes, endings }: Transfer): string {
  return `${takenBytes} bytes taken, ${receivedBytes} came and nothing after; the stream ended: ${endings.join(', ')}`
}

function tell({ seen, gaps }: Transfer, log: (line: string) => void): void {
  for (const { at, what } of seen) log(`      ${at - seen[0]!.at} ${what}`)
  for (const { atMs, ms } of gaps) {
    if (ms >= TOLD_GAP_MS) log(`      a gap of ${Math.round(ms)} ms, ${Math.round(atMs)} ms after the first byte`)
  }
}
