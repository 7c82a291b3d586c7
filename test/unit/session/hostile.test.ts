import { describe, expect, it } from 'vitest'
import { FREE_STREAM_BYTES } from '../../../src/session/index.ts'
import type { Frame } from '../../../src/wire/index.ts'
import { Rng, randomSeed, seedFromEnv } from '../../sim/support/rng.ts'
import { randomFrame, randomNumber } from '../wire/random-frame.ts'
import { Core, KIB, ofType } from './harness.ts'

const seed = seedFromEnv() ?? randomSeed()
const ROUNDS = 400
const STEPS = 200
const LIMITS = {
  streamWindow: 32 * KIB,
  sessionWindow: 64 * KIB,
  maxSendBuffer: 64 * KIB,
  maxStreamSendBuffer: 32 * KIB
}
const NAMED = new Set(['ProtocolViolationError', 'FlowControlError'])

/** Frames that are nearly right: small ids and offsets, so that they meet streams and paths that exist. */
function nearlyRight(rng: Rng): Frame {
  const frame = randomFrame(rng)
  const stream = rng.int(12)
  const offset = rng.chance(0.9) ? rng.int(40_000) : randomNumber(rng)
  switch (frame.type) {
    case 'stream':
      return { ...frame, stream, offset, data: frame.data.subarray(0, rng.int(5_000)) }
    case 'reset':
      return { ...frame, stream, finalOffset: offset }
    case 'stopSending':
      return { ...frame, stream }
    case 'maxStreamData':
      return { ...frame, stream, max: offset }
    case 'blocked':
      return { ...frame, stream: rng.chance(0.5) ? stream : undefined, limit: offset }
    case 'ack':
      return { ...frame, path: rng.int(4), sequence: rng.int(30) }
    case 'status':
      return { ...frame, suspects: rng.int(4) }
    case 'close':
      return { ...frame, code: rng.chance(0.9) ? 0 : 1, streams: rng.int(8), seen: rng.int(8) }
    default:
      return frame
  }
}

function command(rng: Rng, core: Core): void {
  const { session } = core
  const stream = rng.int(12)
  switch (rng.int(8)) {
    case 0:
      if (session.status === 'open' && session.streamCount < 100) core.open(rng.int(20_000))
      return
    case 1:
      session.write(stream, new Uint8Array(rng.int(20_000)), core.now)
      return
    case 2:
      session.finish(stream, core.now)
      return
    case 3:
      session.reset(stream, 1, core.now)
      return
    case 4:
      session.stopSending(stream, 1, core.now)
      return
    case 5:
      session.consume(stream, rng.int(20_000), core.now)
      return
    case 6:
      session.setWritable(rng.int(4), rng.chance(0.7), core.now)
      return
    case 7:
      if (rng.chance(0.02)) session.close(core.now)
      return
  }
}

describe(`a session with a hostile peer (HOLDFAST_SEED=${seed})`, () => {
  it('throws nothing, stays within its bounds, and answers with named errors about the path', () => {
    const rng = new Rng(seed)
    const errors = new Map<string, number>()
    for (let round = 0; round < ROUNDS; round++) {
      const core = new Core({ side: rng.pick([0, 1] as const), config: LIMITS, path: { peerStreamWindow: 32 * KIB } })
      let nextPath = 1
      let live = [0]
      for (let step = 0; step < STEPS; step++) {
        if (rng.chance(0.3)) command(rng, core)
        const frame = rng.chance(0.95) ? nearlyRight(rng) : randomFrame(rng)
        core.receive(rng.pick(live), frame)
        const effects = core.effects()
        if (rng.chance(0.1)) effects.push(...core.advance(core.now + rng.int(3_000)))
        for (const { path, error } of ofType(effects, 'pathError')) {
          errors.set(error.name, (errors.get(error.name) ?? 0) + 1)
          core.detach(path)
          live = live.filter((id) => id !== path)
        }
        if (live.length === 0 || (live.length < 4 && rng.chance(0.05))) {
          core.attach(nextPath)
          live.push(nextPath++)
        }
        const { sendBufferedBytes, receiveBufferedBytes, streamCount } = core.session
        const prefixes = FREE_STREAM_BYTES * streamCount
        if (receiveBufferedBytes > LIMITS.sessionWindow + prefixes)
          expect.unreachable(`receives ${receiveBufferedBytes}`)
        if (sendBufferedBytes > LIMITS.maxSendBuffer + prefixes) expect.unreachable(`sends ${sendBufferedBytes}`)
        if (receiveBufferedBytes < 0 || sendBufferedBytes < 0) expect.unreachable('negative')
        if (core.session.status === 'closed') break
      }
    }
    expect([...errors.keys()].filter((name) => !NAMED.has(name))).toEqual([])
    expect([...errors.keys()].sort()).toEqual([...NAMED].sort())
  })
})
