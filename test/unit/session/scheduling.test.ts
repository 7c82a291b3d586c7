import { describe, expect, it } from 'vitest'
import { MAX_STREAM_PAYLOAD } from '../../../src/wire/index.ts'
import { Core, framesOf, KIB, MIB, ofType, payloadBytes } from './harness.ts'

describe('the order of frames', () => {
  it('lets a small message pass a bulk transfer: it leaves within the next frames', () => {
    const core = new Core()
    core.open(MIB)
    core.sent()
    const message = core.open(100)
    expect(payloadBytes(core.sent(), message)).toBe(0)
    core.ack(0, 2)
    const frames = ofType(core.sent(), 'stream')
    expect(frames.slice(0, 3).some(({ stream, data }) => stream === message && data.byteLength === 100)).toBe(true)
  })

  it('keeps MAX_STREAM_PAYLOAD per frame', () => {
    const core = new Core()
    core.open(100_000)
    for (const { data } of ofType(core.sent(), 'stream'))
      expect(data.byteLength).toBeLessThanOrEqual(MAX_STREAM_PAYLOAD)
  })

  it('serves bulk streams in turn', () => {
    const core = new Core({ path: { limited: false } })
    const streams = [core.open(MIB), core.open(MIB), core.open(MIB)]
    const sent = new Map<number, number>()
    for (let rounds = 0; rounds < 30; rounds++) {
      for (const { stream, data } of ofType(core.sent(), 'stream')) {
        sent.set(stream, (sent.get(stream) ?? 0) + data.byteLength)
      }
      core.now += 20
      core.ackAll()
    }
    const counts = streams.map((stream) => sent.get(stream)!)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2 * MAX_STREAM_PAYLOAD)
  })

  it('does not starve bulk behind a flood of small messages', () => {
    const core = new Core()
    const bulk = core.open(300_000)
    const small = core.open()
    let sentBulk = 0
    for (let rounds = 0; rounds < 60; rounds++) {
      for (let i = 0; i < 20; i++) core.session.write(small, new Uint8Array(100), core.now)
      sentBulk += payloadBytes(core.sent(), bulk)
      core.now += 20
      core.ackAll()
    }
    expect(sentBulk).toBe(300_000)
  })

  it('sends nothing to a carrier that does not accept bytes', () => {
    const core = new Core()
    core.session.setWritable(0, false, 0)
    const stream = core.open(10_000)
    core.session.reset(stream, 0, 0)
    core.open(5)
    core.session.close(0)
    expect(core.effects()).toEqual([])
  })

  it('sends one frame for many small writes', () => {
    const core = new Core()
    const stream = core.open()
    core.sent()
    for (let i = 0; i < 100; i++) core.session.write(stream, Uint8Array.of(i), 0)
    const frames = ofType(core.sent(), 'stream')
    expect(frames).toHaveLength(1)
    expect([...frames[0]!.data]).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })
})

describe('in flight', () => {
  it('begins with 64 KiB, on a limited path with 16 KiB', () => {
    for (const [limited, limit] of [
      [false, 64 * KIB],
      [true, 16 * KIB]
    ] as const) {
      const core = new Core({ path: { limited } })
      core.open(MIB)
      const bytes = payloadBytes(core.sent())
      expect(bytes).toBeGreaterThan(limit - MAX_STREAM_PAYLOAD)
      expect(bytes).toBeLessThan(limit + MAX_STREAM_PAYLOAD)
    }
  })

  it('doubles each round trip as long as round trips do not grow', () => {
    const core = new Core({ path: { peerStreamWindow: 64 * MIB, peerSessionWindow: 64 * MIB }, config: BIG })
    core.open(32 * MIB)
    const perRound: number[] = []
    for (let rounds = 0; rounds < 5; rounds++) {
      perRound.push(payloadBytes(core.sent()))
      core.now += 50
      core.ackAll()
    }
    for (let i = 1; i < perRound.length; i++) expect(perRound[i]! / perRound[i - 1]!).toBeGreaterThan(1.6)
  })

  it('settles near twice the bandwidth-delay product when its own queue makes round trips grow', () => {
    const core = new Core({ path: { peerStreamWindow: 64 * MIB, peerSessionWindow: 64 * MIB }, config: BIG })
    core.open(32 * MIB)
    // 1,000 bytes per ms and 50 ms: a product of 50 KB; acknowledged frame by frame as a link of that rate would.
    const arrivals: number[] = []
    let busyUntil = 0
    let acked = 0
    for (let steps = 0; steps < 3_000; steps++) {
      for (const { data } of ofType(core.sent(), 'stream')) {
        busyUntil = Math.max(busyUntil, core.now) + data.byteLength / 1_000
        arrivals.push(busyUntil + 50)
      }
      core.now = arrivals[acked] ?? core.now + 1
      if (acked < arrivals.length) core.ack(0, ++acked)
    }
    const { inFlightLimit } = core.path(0)
    expect(inFlightLimit).toBeGreaterThanOrEqual(50_000)
    expect(inFlightLimit).toBeLessThan(200_000)
  })

  it('settles at little, in small frames, on a slow line, where more would make everything else wait', () => {
    const core = new Core({ path: { peerStreamWindow: 64 * MIB, peerSessionWindow: 64 * MIB }, config: BIG })
    core.open(32 * MIB)
    // 125 bytes per ms (1 Mbit/s) and 40 ms: a product of 5 KB.
    const arrivals: number[] = []
    let busyUntil = 0
    let acked = 0
    const limits: number[] = []
    for (let steps = 0; steps < 6_000; steps++) {
      for (const { data } of ofType(core.sent(), 'stream')) {
        busyUntil = Math.max(busyUntil, core.now) + data.byteLength / 125
        arrivals.push(busyUntil + 40)
      }
      core.now = arrivals[acked] ?? core.now + 1
      if (acked < arrivals.length) core.ack(0, ++acked)
      limits.push(core.path(0).inFlightLimit)
    }
    // Lower while the queue is drained.
    const usual = limits.slice(4_000).sort((a, b) => a - b)[1_000]
    expect(usual).toBeGreaterThanOrEqual(2 * 125 * 40)
    expect(usual).toBeLessThan(16_500)
    expect(ofType(core.sent(), 'stream')[0]!.data.byteLength).toBeLessThan(2_000)
  })

  it('grows on the path that takes over as the other one drains', () => {
    const core = switched()
    expect(core.path(2).inFlightLimit).toBeGreaterThan(100 * KIB)
    expect(core.path(2).inFlightBytes).toBeLessThanOrEqual(64 * KIB)
    const { inFlightBytes, inFlightLimit } = core.path(0)
    expect(inFlightBytes).toBeGreaterThan(inFlightLimit - MAX_STREAM_PAYLOAD)
    core.ack(0, core.counted(0) - 2)
    core.sent()
    expect(core.path(2).inFlightBytes).toBeGreaterThan(100 * KIB)
  })

  it('is not held back on the path that takes over by one that is suspect', () => {
    const core = switched()
    core.receive(2, { type: 'status', suspects: 0, renew: false })
    core.sent()
    expect(core.path(2).inFlightBytes).toBeGreaterThan(100 * KIB)
  })

  it('is not lowered by small messages, whatever their round trips', () => {
    const core = new Core()
    const stream = core.open()
    for (const rttMs of [10, 60, 12, 80, 11, 40]) {
      core.session.write(stream, new Uint8Array(50), core.now)
      core.sent()
      core.now += rttMs
      core.ackAll()
      core.now += 200
    }
    core.session.write(stream, new Uint8Array(60_000), core.now)
    expect(payloadBytes(core.sent())).toBe(60_000)
  })

  it('is not raised by a peer that acknowledges nothing', () => {
    const core = new Core()
    core.open(MIB)
    core.sent()
    for (let i = 0; i < 100; i++) core.open(16)
    core.advance(60_000)
    const { inFlightBytes, inFlightLimit } = core.path(0)
    expect(inFlightBytes).toBeLessThanOrEqual(inFlightLimit + MAX_STREAM_PAYLOAD + 16)
  })

  it('is bounded for control frames of a peer that acknowledges nothing', () => {
    const core = new Core()
    let frames = 0
    for (let index = 0; index < 20_000; index++) {
      const stream = index * 2 + 1
      core.receive(0, { type: 'stopSending', stream, code: 0 }, { type: 'reset', stream, code: 0, finalOffset: 0 })
      frames += framesOf(core.effects()).filter(({ type }) => type === 'reset').length
    }
    expect(frames).toBeLessThan(20_000)
    expect(core.session.streamCount).toBeLessThan(20_000)
  })
})

const BIG = { maxSendBuffer: 64 * MIB, maxStreamSendBuffer: 64 * MIB }

/** Bulk filled path 0 and then moved to path 2, whose first frames are acknowledged: those of path 0 are still on their way. */
function switched(): Core {
  const core = new Core({
    paths: [0, 2],
    path: { peerStreamWindow: 64 * MIB, peerSessionWindow: 64 * MIB },
    config: BIG
  })
  core.session.prefer([0, 2], core.now)
  core.open(32 * MIB)
  for (let rounds = 0; rounds < 4; rounds++) {
    core.sent()
    core.now += 50
    core.ackAll(0)
  }
  core.sent()
  core.session.prefer([2, 0], core.now)
  core.sent()
  core.now += 50
  core.ackAll(2)
  core.sent()
  return core
}
