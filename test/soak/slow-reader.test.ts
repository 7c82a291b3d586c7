// A reader that stops costs each side at most 8 MiB, resets nothing, and other streams of the link do not notice.
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { type Program, start } from './support/slow-reader/calls.ts'
import type { Kind, Way } from './support/slow-reader/node.ts'
import type { PeerFunctions } from './support/slow-reader/program.ts'
import type { Manner } from './support/slow-reader/reading.ts'
import { amount, percentile, record } from './support/soak.ts'

const MIB = 1_048_576
const BYTES = amount(40 * MIB, 1_024 * MIB)
const PAUSE_MS = amount(3_000, 60_000)
const IDLE_MS = amount(1_000, 5_000)
/** Moved before anything is measured: compiled code and pools are in place then. */
const WARM_UP_BYTES = amount(8 * MIB, 64 * MIB)

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(() => relay?.stop())

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

interface Case {
  readonly kind: Kind
  readonly way: Way
  readonly manner: Manner
  readonly bytes: number
}

async function run({ kind, way, manner, bytes }: Case) {
  const program = (): Program<PeerFunctions> => {
    const program = start<PeerFunctions>(new URL('./support/slow-reader/program.ts', import.meta.url))
    onTestFinished(() => program.end())
    return program
  }
  const [{ call: writer }, { call: reader }] = [program(), program()]
  const init = { kind, way, relays: relay.multiaddrs }
  const [, to] = await Promise.all([writer.start(init), reader.start(init)])

  await reader.read(manner, Number.POSITIVE_INFINITY)
  await writer.connect(to)
  await writer.send(WARM_UP_BYTES)
  await reader.received()
  const memories = () => Promise.all([writer.memory(), reader.memory()])
  const before = await memories()

  await writer.roundTripsMs()
  await pause(IDLE_MS)
  const idle = await writer.roundTripsMs()
  await reader.read(manner, bytes / 2)
  await writer.send(bytes)
  await reader.paused()
  const first = await writer.roundTripsMs()
  await pause(PAUSE_MS)
  const paused = await writer.roundTripsMs()
  const during = await memories()
  await reader.resume()
  const received = await reader.received()
  const sent = await writer.sent()
  const busy = [...first, ...(await writer.roundTripsMs())]
  const [writerHeldBytes, readerHeldBytes] = await Promise.all([writer.heldBytes(), reader.heldBytes()])

  const grown = (side: 0 | 1, of: 'liveBytes' | 'residentBytes') => mib(during[side]![of] - before[side]![of])
  const figures = {
    bytes: received.bytes,
    writerHeldMiB: mib(writerHeldBytes),
    readerHeldMiB: mib(readerHeldBytes),
    writerLiveMiB: grown(0, 'liveBytes'),
    readerLiveMiB: grown(1, 'liveBytes'),
    writerResidentMiB: grown(0, 'residentBytes'),
    readerResidentMiB: grown(1, 'residentBytes'),
    ...quantiles('idle', idle),
    ...quantiles('paused', paused),
    ...quantiles('busy', busy),
    ...(sent.error == null ? {} : { writerError: sent.error }),
    ...(received.error == null ? {} : { readerError: received.error })
  }
  record(`slow reader, ${kind}, ${way}, ${manner}`, figures)
  return { sent, received, figures }
}

const mib = (bytes: number): number => Math.round((bytes / MIB) * 10) / 10

function quantiles(name: string, roundTripsMs: number[]): Record<string, number> {
  const tenths = (share: number): number => Math.round(percentile(roundTripsMs, share) * 10) / 10
  return { [`${name}MsP50`]: tenths(0.5), [`${name}MsP99`]: tenths(0.99) }
}

describe.each<Way>(['webrtc', 'relay'])('a reader that stops, over %s,', (way) => {
  it.each<Manner>(['for await', 'events'])('with %s', async (manner) => {
    const { sent, received } = await run({ kind: 'ours', way, manner, bytes: BYTES })
    expect(sent.error).toBe(undefined)
    expect(received).toEqual(sent)
  })
})
