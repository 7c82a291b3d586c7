// One slow reader: bulk to a process that stops reading half-way, and an echo on another stream of the same link.
import { onTestFinished } from 'vitest'
import { type Figures, percentile } from '../soak.ts'
import { type Program, start } from './calls.ts'
import type { EchoTimes } from './echoes.ts'
import type { NodeInit } from './node.ts'
import type { PeerFunctions } from './program.ts'
import type { Manner, Outcome } from './reading.ts'

const MIB = 1_048_576

export interface SlowReader extends NodeInit {
  readonly manner: Manner
  readonly bytes: number
  /** Moved before anything is measured: compiled code and pools are in place then. */
  readonly warmUpBytes: number
  /** How long nothing but the echo is under way. */
  readonly idleMs: number
  /** How long the reader stops. */
  readonly pauseMs: number
  /** Nothing more is sent after that. @default without end */
  readonly maxSendMs?: number
}

export interface Slowness {
  readonly sent: Outcome
  readonly received: Outcome
  /** Of both sides the larger one. In MiB: the sources' own counts, then growth of heap and buffers, and of the process. */
  readonly heldMiB: number
  readonly liveMiB: number
  /** From the beginning of the pause to its end. */
  readonly residentMiB: number
  readonly idle: Echoed
  readonly paused: Echoed
  readonly busy: Echoed
}

/** Round trips of the echo, and what of the machine's own slowness may be in them. */
export interface Echoed {
  readonly msP50: number
  readonly msP99: number
  readonly lateMsP99: number
}

export async function runSlowReader({
  manner,
  bytes,
  warmUpBytes,
  maxSendMs = Number.MAX_SAFE_INTEGER,
  ...options
}: SlowReader): Promise<Slowness> {
  const { kind, way, relays } = options
  const [writer, reader] = [startProgram(), startProgram()]
  const [, to] = await Promise.all([writer, reader].map((peer) => peer.start({ kind, way, relays })))

  await reader.read(manner, Number.POSITIVE_INFINITY)
  await writer.connect(to!)
  await writer.send(warmUpBytes)
  await reader.received()
  const memories = () => Promise.all([writer.memory(), reader.memory()])
  const before = await memories()

  await writer.echoTimes()
  await lasting(options.idleMs)
  const idle = await writer.echoTimes()

  await reader.read(manner, bytes / 2)
  await writer.send(bytes, maxSendMs)
  await reader.paused()
  const filling = await writer.echoTimes()
  const atPause = await memories()
  await writer.echoTimes()
  await lasting(options.pauseMs)
  const paused = await writer.echoTimes()
  const afterPause = await memories()
  await writer.echoTimes()
  await reader.resume()
  const [received, sent] = await Promise.all([reader.received(), writer.sent()])
  const emptying = await writer.echoTimes()
  const held = await Promise.all([writer.heldBytes(), reader.heldBytes()])

  return {
    sent,
    received,
    heldMiB: mib(Math.max(...held)),
    liveMiB: mib(Math.max(...afterPause.map(({ liveBytes }, side) => liveBytes - before[side]!.liveBytes))),
    residentMiB: mib(
      Math.max(...afterPause.map(({ residentBytes }, side) => residentBytes - atPause[side]!.residentBytes))
    ),
    idle: echoed(idle),
    paused: echoed(paused),
    busy: echoed(filling, emptying)
  }
}

/** For the report. */
export function figuresOf({ sent, received, idle, paused, busy, ...memory }: Slowness): Figures {
  return {
    bytes: received.bytes,
    ...memory,
    idleMsP50: idle.msP50,
    idleMsP99: idle.msP99,
    pausedMsP50: paused.msP50,
    pausedMsP99: paused.msP99,
    busyMsP50: busy.msP50,
    busyMsP99: busy.msP99,
    lateMsP99: paused.lateMsP99,
    ...(sent.error == null ? {} : { writerError: sent.error }),
    ...(received.error == null ? {} : { readerError: received.error })
  }
}

function startProgram(): Program<PeerFunctions>['call'] {
  const program = start<PeerFunctions>(new URL('./program.ts', import.meta.url))
  onTestFinished(() => program.end())
  return program.call
}

const lasting = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const mib = (bytes: number): number => tenths(bytes / MIB)

function echoed(...times: EchoTimes[]): Echoed {
  const roundTripsMs = times.flatMap((some) => some.roundTripsMs)
  const lateMs = times.flatMap((some) => some.lateMs)
  return {
    msP50: tenths(percentile(roundTripsMs, 0.5)),
    msP99: tenths(percentile(roundTripsMs, 0.99)),
    lateMsP99: tenths(percentile(lateMs, 0.99))
  }
}

const tenths = (value: number): number => Math.round(value * 10) / 10
