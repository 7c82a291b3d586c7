import { describe, expect, it } from 'vitest'
import { FREE_STREAM_BYTES } from '../../../src/session/index.ts'
import { Core, data, exchange, framesOf, KIB, MIB, ofType, payloadBytes } from './harness.ts'

describe('session credit', () => {
  it('never lets a stream go beyond the credit of its peer, and goes on with MAX_STREAM_DATA', () => {
    const core = new Core({ path: { peerStreamWindow: 20_000 } })
    const stream = core.open(50_000)
    expect(payloadBytes(core.sent())).toBe(20_000)
    core.receive(0, { type: 'maxStreamData', stream, max: 30_000 })
    expect(payloadBytes(core.sent())).toBe(10_000)
  })

  it('ignores credit that is lower than before', () => {
    const core = new Core({ path: { peerStreamWindow: 20_000, peerSessionWindow: 100_000 } })
    const stream = core.open(50_000)
    core.sent()
    core.receive(0, { type: 'maxStreamData', stream, max: 5_000 }, { type: 'maxData', max: 1 })
    core.receive(0, { type: 'maxStreamData', stream, max: 21_000 })
    expect(payloadBytes(core.sent())).toBe(1_000)
  })

  it('leaves the first 4 KiB of every stream out of session credit', () => {
    const core = new Core({ path: { peerSessionWindow: 10_000 } })
    const bulk = core.open(50_000)
    expect(payloadBytes(core.sent(), bulk)).toBe(FREE_STREAM_BYTES + 10_000)
    const next = core.open(50_000)
    expect(payloadBytes(core.sent(), next)).toBe(FREE_STREAM_BYTES)
    core.receive(0, { type: 'maxData', max: 11_000 })
    expect(payloadBytes(core.sent())).toBe(1_000)
  })

  it('gives stream and session credit back as the application consumes, not as data arrives', () => {
    const core = new Core({ config: { streamWindow: 64 * KIB, sessionWindow: 64 * KIB } })
    for (let offset = 0; offset < 64_000; offset += 16_000) core.receive(0, data(1, offset, 16_000))
    expect(framesOf(core.effects()).filter(({ type }) => type !== 'ack')).toEqual([])
    core.session.consume(1, 64_000, 0)
    const frames = core.sent()
    expect(ofType(frames, 'maxStreamData')).toEqual([{ type: 'maxStreamData', stream: 1, max: 64_000 + 64 * KIB }])
    expect(ofType(frames, 'maxData')).toEqual([{ type: 'maxData', max: 64_000 - FREE_STREAM_BYTES + 64 * KIB }])
  })

  it('gives session credit back in small steps where unread streams hold nearly all of it', () => {
    const core = new Core({ config: { streamWindow: 64 * KIB, sessionWindow: 64 * KIB } })
    for (let offset = 0; offset < 64_000; offset += 16_000) core.receive(0, data(1, offset, 16_000))
    const left = 64 * KIB - (64_000 - FREE_STREAM_BYTES)
    core.receive(0, data(3, 0, FREE_STREAM_BYTES + left))
    core.sent()
    core.session.consume(3, FREE_STREAM_BYTES + 1_000, 0)
    expect(ofType(core.sent(), 'maxData')).toEqual([{ type: 'maxData', max: 64 * KIB + 1_000 }])
  })

  it('aborts the path of a peer that goes beyond stream credit, and leaves other paths alone', () => {
    const core = new Core({ paths: [0, 2], config: { streamWindow: 10_000 } })
    core.receive(0, data(1, 0, 10_000), data(1, 10_000, 1))
    expect(ofType(core.effects(), 'pathError')).toMatchObject([{ path: 0, error: { name: 'FlowControlError' } }])
    core.detach(0)
    core.receive(2, data(3, 0, 5))
    expect(ofType(core.effects(), 'streamData')).toMatchObject([{ stream: 3 }])
  })

  it('aborts the path of a peer that goes beyond session credit over several streams', () => {
    const core = new Core({ config: { sessionWindow: 20_000 } })
    core.receive(0, data(1, 0, FREE_STREAM_BYTES + 10_000), data(3, 0, FREE_STREAM_BYTES + 10_000))
    expect(ofType(core.effects(), 'pathError')).toEqual([])
    core.receive(0, data(3, FREE_STREAM_BYTES + 10_000, 1))
    expect(ofType(core.effects(), 'pathError')).toMatchObject([{ error: { name: 'FlowControlError' } }])
  })

  it('aborts the path of a peer whose RESET claims a final offset beyond credit', () => {
    for (const config of [{ streamWindow: 10_000 }, { sessionWindow: 5_000 }]) {
      const core = new Core({ config })
      core.receive(0, { type: 'reset', stream: 1, code: 0, finalOffset: 10_001 })
      expect(ofType(core.effects(), 'pathError')).toMatchObject([{ error: { name: 'FlowControlError' } }])
    }
  })

  it('takes nothing from a frame that goes beyond credit', () => {
    const core = new Core({ config: { streamWindow: 10_000 } })
    core.receive(0, data(1, 0, 10_001))
    expect(ofType(core.effects(), 'streamData')).toEqual([])
    expect(core.session.receiveBufferedBytes).toBe(0)
  })

  it('settles session credit by the final offset of RESET, seen or not seen bytes alike', () => {
    const core = new Core({ config: { sessionWindow: 64 * KIB } })
    core.receive(0, { type: 'reset', stream: 1, code: 0, finalOffset: 60_000 })
    expect(ofType(core.sent(), 'maxData')).toEqual([{ type: 'maxData', max: 60_000 - FREE_STREAM_BYTES + 64 * KIB }])
  })

  it('consumes by itself what arrives on a stream that was given up', () => {
    const core = new Core({ config: { sessionWindow: 64 * KIB } })
    core.receive(0, data(1, 0, 16_000))
    core.session.stopSending(1, 0, 0)
    core.receive(0, data(1, 16_000, 16_000), data(1, 32_000, 16_000))
    const consumed = 48_000 - FREE_STREAM_BYTES
    // Credit is renewed when a quarter of the window is used.
    expect(ofType(core.sent(), 'maxData').at(-1)!.max).toBeGreaterThan(consumed + 64 * KIB - 16 * KIB)
  })

  it('does not count consuming more than was delivered', () => {
    const core = new Core({ config: { sessionWindow: 64 * KIB, streamWindow: 64 * KIB } })
    core.receive(0, data(1, 0, 20_000))
    core.session.consume(1, 1_000_000, 0)
    const [max] = ofType(core.sent(), 'maxStreamData')
    expect(max!.max).toBe(20_000 + 64 * KIB)
  })

  it('lets a transfer of many windows through when the reader reads', () => {
    const a = new Core({ side: 0, path: { peerStreamWindow: 20_000, peerSessionWindow: 30_000 } })
    const b = new Core({ side: 1, config: { streamWindow: 20_000, sessionWindow: 30_000 } })
    const stream = a.open(500_000)
    let received = 0
    for (let rounds = 0; rounds < 200 && received < 500_000; rounds++) {
      for (const { data: chunk } of ofType(exchange(a, b).toB, 'streamData')) {
        received += chunk.byteLength
        b.session.consume(stream, chunk.byteLength, 0)
      }
    }
    expect(received).toBe(500_000)
  })
})

describe('BLOCKED', () => {
  const blocked = () => {
    const core = new Core({ paths: [0, 2], path: { peerStreamWindow: 10_000 } })
    const stream = core.open(50_000)
    core.sent()
    core.ackAll()
    core.sent()
    return { core, stream }
  }

  it('is said after one RTO and repeated with doubling pauses up to 5 s', () => {
    const { core, stream } = blocked()
    const at: number[] = []
    for (let now = 0; now < 30_000; now += 10) {
      for (const frame of ofType(framesOf(core.advance(now)), 'blocked')) {
        expect(frame).toEqual({ type: 'blocked', stream, limit: 10_000 })
        at.push(now)
      }
    }
    const pauses = at.slice(1).map((time, i) => time - at[i]!)
    expect(at[0]).toBeLessThanOrEqual(2_000)
    for (const [i, pause] of pauses.entries()) {
      expect(pause).toBeLessThanOrEqual(5_010)
      if (i > 0) expect(pause).toBeGreaterThanOrEqual(Math.min(4_990, pauses[i - 1]! * 2 - 30))
    }
    expect(pauses.at(-1)).toBeGreaterThan(4_900)
  })

  it('stops when credit comes', () => {
    const { core, stream } = blocked()
    core.receive(0, { type: 'maxStreamData', stream, max: MIB })
    core.sent()
    core.ackAll()
    expect(ofType(framesOf(core.advance(20_000)), 'blocked')).toEqual([])
  })

  it('names the session when session credit is what is missing', () => {
    const core = new Core({ path: { peerSessionWindow: 10_000 } })
    core.open(50_000)
    core.sent()
    core.ackAll()
    expect(ofType(framesOf(core.advance(3_000)), 'blocked')[0]).toEqual({
      type: 'blocked',
      stream: undefined,
      limit: 10_000
    })
  })

  it('is answered with current credit on the path it came on', () => {
    const core = new Core({ paths: [0, 2], config: { streamWindow: 10_000 } })
    core.receive(0, data(1, 0, 10_000))
    core.session.consume(1, 10_000, 0)
    core.sent()
    core.receive(2, { type: 'blocked', stream: 1, limit: 10_000 })
    expect(ofType(core.sent(2), 'maxStreamData')).toEqual([{ type: 'maxStreamData', stream: 1, max: 20_000 }])
  })

  it('is not answered when there is nothing new to say', () => {
    const core = new Core({ config: { streamWindow: 10_000 } })
    core.receive(0, data(1, 0, 10_000))
    core.sent()
    core.receive(0, { type: 'blocked', stream: 1, limit: 10_000 })
    expect(core.sent()).toEqual([])
  })

  it('makes us keep nothing more, however often a peer that acknowledges nothing asks', () => {
    const core = new Core()
    core.receive(0, data(1, 0, 1))
    for (let i = 0; i < 1_000; i++) {
      core.receive(0, { type: 'blocked', limit: 0 }, { type: 'blocked', stream: 1, limit: 0 })
    }
    const frames = core.sent()
    expect(ofType(frames, 'maxData')).toHaveLength(1)
    expect(ofType(frames, 'maxStreamData')).toHaveLength(1)
  })

  it('is answered only when the carrier accepts bytes', () => {
    const core = new Core()
    core.receive(0, data(1, 0, 1))
    core.sent()
    core.session.setWritable(0, false, 0)
    core.receive(0, { type: 'blocked', limit: 0 })
    expect(core.sent()).toEqual([])
    core.session.setWritable(0, true, 0)
    expect(ofType(core.sent(), 'maxData')).toHaveLength(1)
  })
})

describe('the send buffer', () => {
  it('takes no more than its limits, and says when there is room again', () => {
    const core = new Core({ config: { maxSendBuffer: 100_000, maxStreamSendBuffer: 60_000 } })
    const a = core.session.openStream(0)
    const b = core.session.openStream(0)
    expect(core.session.write(a, new Uint8Array(70_000), 0)).toEqual({ accepted: 60_000, more: false })
    expect(core.session.write(b, new Uint8Array(70_000), 0)).toEqual({ accepted: 40_000, more: false })
    expect(core.session.sendBufferedBytes).toBe(100_000)
    expect(core.events()).toEqual([])
    const again: number[] = []
    for (let rounds = 0; rounds < 20; rounds++) {
      core.ackAll()
      again.push(...ofType(core.effects(), 'streamWritable').map(({ stream }) => stream))
    }
    expect(again.sort()).toEqual([a, b])
  })

  it('never holds more than maxSendBuffer and a free prefix per stream, whatever many streams write', () => {
    const core = new Core({ config: { maxSendBuffer: 64 * KIB, maxStreamSendBuffer: 64 * KIB } })
    for (let i = 0; i < 200; i++) core.open(64 * KIB)
    const { sendBufferedBytes, streamCount } = core.session
    expect(sendBufferedBytes).toBeLessThanOrEqual(64 * KIB + streamCount * FREE_STREAM_BYTES)
  })

  it('goes on with a stream that is read while paused readers of others fill the buffer', () => {
    const limits = { maxSendBuffer: 128 * KIB, maxStreamSendBuffer: 64 * KIB }
    const a = new Core({ side: 0, config: limits, path: { peerStreamWindow: 32 * KIB } })
    const b = new Core({ side: 1, config: { streamWindow: 32 * KIB } })
    // Nobody reads these two: 32 KiB of each arrive, the rest stays and fills the buffer.
    const paused = [a.session.openStream(0), a.session.openStream(0)]
    for (let i = 0; i < 4; i++) {
      for (const stream of paused) a.session.write(stream, new Uint8Array(64 * KIB), 0)
      exchange(a, b)
    }
    expect(a.session.sendBufferedBytes).toBeGreaterThan(120 * KIB)

    const stream = a.session.openStream(0)
    let written = 0
    let received = 0
    for (let rounds = 0, writable = true; rounds < 100 && received < 100_000; rounds++) {
      if (writable) written += a.session.write(stream, new Uint8Array(100_000 - written), 0).accepted
      const { toA, toB } = exchange(a, b)
      for (const chunk of ofType(toB, 'streamData')) {
        received += chunk.data.byteLength
        b.session.consume(stream, chunk.data.byteLength, 0)
      }
      writable = ofType(toA, 'streamWritable').some((effect) => effect.stream === stream)
    }
    expect(received).toBe(100_000)
  })

  it('counts what a refused frame left behind', () => {
    const core = new Core({ paths: [0, 2] })
    // 65 gaps, the last frame is one too many: its bytes are held all the same until their stream ends.
    for (let gap = 0; gap <= 65; gap++) core.receive(0, data(1, 10_000 + gap * 1_000, 500))
    expect(ofType(core.events(), 'pathError')).toHaveLength(1)
    const held = core.session.receiveBufferedBytes
    expect(held).toBeGreaterThan(0)
    core.receive(2, { type: 'reset', stream: 1, code: 0, finalOffset: 80_000 })
    expect(core.session.receiveBufferedBytes).toBe(0)
  })
})
