import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { FREE_STREAM_BYTES, type Session, type SessionConfig } from '../../../src/session/index.ts'
import { Core, data, KIB } from './harness.ts'

const CONFIG: SessionConfig = {
  streamWindow: 32 * KIB,
  sessionWindow: 64 * KIB,
  maxSendBuffer: 64 * KIB,
  maxStreamSendBuffer: 32 * KIB,
  maxStreams: 64
}
const STREAMS = CONFIG.maxStreams
/** Bytes both directions may hold, the free prefixes of all streams of both sides included. */
const CONTENT_BYTES = CONFIG.sessionWindow + CONFIG.maxSendBuffer + 2 * 2 * STREAMS * FREE_STREAM_BYTES
/** Objects of a stream, its ranges and segments (128 at most), and its share of records. */
const STREAM_BYTES = 48 * KIB
const BOUND_BYTES = CONTENT_BYTES + 2 * STREAMS * STREAM_BYTES
const SESSIONS = 10
const ROUNDS = 400
const LONGER = 10
/** Ten times as long an attack may make this much difference: noise of the collector, not growth. */
const NOISE_SHARE = 1.5
const NOISE_BYTES = 32 * KIB

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function usedBytes(): number {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** What this does to one session again and again; it acknowledges nothing. */
type Attack = (core: Core, round: number) => void

const ATTACKS: Readonly<Record<string, Attack>> = {
  'one byte behind each gap of every stream': (core, round) => {
    for (let stream = 0; stream < STREAMS; stream++) {
      core.receive(0, data(stream * 2 + 1, 2 + 2 * (round % 60), 1))
    }
  },
  'streams that end at once, and are never acknowledged': (core, round) => {
    core.receive(0, data((round % STREAMS) * 2 + 1, 0, 10, true))
    core.session.finish((round % STREAMS) * 2 + 1, core.now)
  },
  'BLOCKED about everything': (core) => {
    core.receive(0, { type: 'blocked', stream: undefined, limit: 0 })
    for (let stream = 0; stream < STREAMS; stream++) {
      core.receive(0, { type: 'blocked', stream: stream * 2 + 1, limit: 0 })
    }
  },
  'PING, PONG, STATUS and ACK': (core, round) => {
    core.receive(0, { type: 'ping', nonce: round }, { type: 'pong', nonce: round })
    core.receive(
      0,
      { type: 'status', suspects: round % 8, renew: true },
      { type: 'goaway', path: 3, reason: 1, delayMs: 1 }
    )
    core.receive(0, { type: 'ack', path: round % 8, sequence: 0, delayMs: 0 })
    core.session.ping(0, core.now)
  },
  'credit, STOP_SENDING and RESET for every stream': (core, round) => {
    const stream = (round % STREAMS) * 2 + 1
    core.receive(0, { type: 'maxData', max: round * 1_000 }, { type: 'maxStreamData', stream, max: round * 1_000 })
    core.session.write(stream, new Uint8Array(2_000), core.now)
    if (round % 3 === 0) core.receive(0, { type: 'stopSending', stream, code: 1 })
    if (round % 5 === 0) core.receive(0, { type: 'reset', stream, code: 1, finalOffset: 10_000 })
  },
  'paths that come and go while the application writes': (core, round) => {
    if (core.session.streamCount < STREAMS) core.open()
    core.session.write((round % STREAMS) * 2, new Uint8Array(5_000), core.now)
    core.effects()
    core.detach(round)
    core.attach(round + 1)
  }
}

function attacked(attack: Attack, rounds: number): Session {
  const core = new Core({ config: CONFIG, paths: [0, 1] })
  for (let round = 0; round < rounds; round++) {
    attack(core, round)
    core.effects()
    core.now += 1
  }
  return core.session
}

function keptBytes(attack: Attack, rounds: number): number {
  const before = usedBytes()
  const kept = Array.from({ length: SESSIONS }, () => attacked(attack, rounds))
  const bytes = (usedBytes() - before) / SESSIONS
  // Used after the measurement, so that nothing is collected before it.
  if (kept.some(({ streamCount }) => streamCount < 0)) throw new Error('A session counts less than no streams')
  return bytes
}

describe('what a hostile peer makes a session keep', () => {
  it.each(Object.keys(ATTACKS))('is bounded, and does not grow with time: %s', { timeout: 60_000 }, (name) => {
    const attack = ATTACKS[name]!
    attacked(attack, ROUNDS)
    // Of two: the collector may count what ran before as kept, and take it off the first.
    const bytes = Math.max(keptBytes(attack, ROUNDS), keptBytes(attack, ROUNDS))
    const longerBytes = keptBytes(attack, LONGER * ROUNDS)
    console.info(`${name}: ${Math.round(bytes / KIB)} and ${Math.round(longerBytes / KIB)} KiB per session`)
    expect(bytes).toBeLessThan(BOUND_BYTES)
    expect(longerBytes).toBeLessThan(NOISE_SHARE * bytes + NOISE_BYTES)
  })
})
