import { describe, expect, it } from 'vitest'
import { Core, data, framesOf, ofType } from './harness.ts'

describe('ACK', () => {
  it('leaves at the end of the receiving task, one for all frames of it', () => {
    const core = new Core()
    for (let i = 0; i < 5; i++) core.session.receive(0, data(1, i, 1), 0)
    expect(ofType(core.sent(), 'ack')).toEqual([])
    core.session.flush(0)
    expect(ofType(core.sent(), 'ack')).toEqual([{ type: 'ack', path: 0, sequence: 5, delayMs: 0 }])
  })

  it('counts counted frames only, per path', () => {
    const core = new Core({ paths: [0, 2] })
    core.receive(0, data(1, 0, 1), { type: 'ping', nonce: 1 }, { type: 'maxData', max: 1 })
    core.receive(2, data(1, 1, 1), { type: 'blocked', limit: 0 }, { type: 'status', renew: false })
    expect(ofType(core.sent(), 'ack').map(({ path, sequence }) => [path, sequence])).toEqual([
      [0, 2],
      [2, 1]
    ])
  })

  it('says how long the newest frame waited', () => {
    const core = new Core()
    core.session.receive(0, data(1, 0, 1), 100)
    core.session.flush(104)
    expect(ofType(core.sent(), 'ack')).toMatchObject([{ delayMs: 4 }])
  })

  it('is not sent for frames that are not counted', () => {
    const core = new Core()
    core.receive(0, { type: 'ack', path: 0, sequence: 0, delayMs: 0 }, { type: 'blocked', limit: 2 ** 40 })
    expect(core.sent()).toEqual([])
  })

  it('waits for the carrier: one, with the newest sequence', () => {
    const core = new Core()
    core.session.setWritable(0, false, 0)
    for (let i = 0; i < 5; i++) core.receive(0, data(1, i, 1))
    expect(core.sent()).toEqual([])
    core.session.setWritable(0, true, 0)
    expect(ofType(core.sent(), 'ack')).toMatchObject([{ sequence: 5 }])
  })

  it('for duplicates is sent as for anything else', () => {
    const core = new Core()
    core.receive(0, data(1, 0, 5), data(1, 0, 5))
    expect(ofType(core.sent(), 'ack')).toMatchObject([{ sequence: 2 }])
  })

  it('frees what it acknowledges and nothing else', () => {
    const core = new Core()
    core.open(16_000)
    core.sent()
    core.open(16_000)
    core.sent()
    const { session } = core
    expect(session.sendBufferedBytes).toBe(32_000)
    core.ack(0, 1)
    expect(session.sendBufferedBytes).toBe(16_000)
    core.ackAll()
    expect(session.sendBufferedBytes).toBe(0)
  })

  it('beyond what was sent is a ProtocolViolationError and acknowledges nothing', () => {
    const core = new Core()
    core.open(10)
    core.sent()
    core.ack(0, core.counted(0) + 1)
    expect(ofType(core.effects(), 'pathError')).toMatchObject([{ path: 0, error: { name: 'ProtocolViolationError' } }])
    expect(core.session.sendBufferedBytes).toBe(10)
  })

  it('that was overtaken, or is about a path unknown or gone, is ignored', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    core.ackAll()
    core.detach(2)
    core.ack(0, 0)
    core.ack(2, 1_000, 0)
    core.ack(44, 1_000, 0)
    expect(core.effects()).toEqual([])
  })

  it('about one path may come on another', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    core.ack(0, core.counted(0), 2)
    expect(core.session.sendBufferedBytes).toBe(0)
    expect(core.path(0).inFlightBytes).toBe(0)
  })

  it('about the other paths goes out before each PONG, and not about those that brought nothing', () => {
    const core = new Core({ paths: [0, 2, 4] })
    core.receive(0, data(1, 0, 1), data(1, 1, 1))
    core.sent()
    core.receive(2, { type: 'ping', nonce: 7 })
    expect(core.sent(2)).toEqual([
      { type: 'ack', path: 0, sequence: 2, delayMs: 0 },
      { type: 'pong', nonce: 7 }
    ])
  })

  it('on another path is no sample of round trip or speed', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(16_000)
    core.sent()
    const { inFlightLimit } = core.path(0)
    core.now += 500
    core.ack(0, 1, 2)
    expect(core.path(0)).toMatchObject({ srttMs: undefined, inFlightBytes: 0, inFlightLimit })
  })

  it('measures the round trip without the delay it names', () => {
    const core = new Core()
    core.open(10)
    core.sent()
    core.now = 50
    core.receive(0, { type: 'ack', path: 0, sequence: core.counted(0), delayMs: 20 })
    expect(core.path(0).srttMs).toBe(30)
  })
})

describe('PING', () => {
  it('is answered by PONG with its nonce on its path', () => {
    const core = new Core({ paths: [0, 2] })
    core.receive(2, { type: 'ping', nonce: 77 })
    const effects = core.effects()
    expect(framesOf(effects, 0)).toEqual([])
    expect(framesOf(effects, 2)).toEqual([{ type: 'pong', nonce: 77 }])
  })

  it('is answered once, with the newest nonce, when the carrier was full', () => {
    const core = new Core()
    core.session.setWritable(0, false, 0)
    for (let nonce = 0; nonce < 100; nonce++) core.receive(0, { type: 'ping', nonce })
    core.session.setWritable(0, true, 0)
    expect(core.sent()).toEqual([{ type: 'pong', nonce: 99 }])
  })

  it('tells the round-trip time when it comes back, once', () => {
    const core = new Core()
    const nonce = core.session.ping(0, 0)
    core.now = 40
    core.receive(0, { type: 'pong', nonce }, { type: 'pong', nonce }, { type: 'pong', nonce: 1_234 })
    expect(ofType(core.effects(), 'pong')).toEqual([{ type: 'pong', path: 0, nonce, rttMs: 40 }])
  })
})

describe('a path', () => {
  it('takes no HELLO or CONFIRM once it is attached', () => {
    const instance = new Uint8Array(16)
    for (const frame of [
      { type: 'hello', instance, path: 0, epoch: 0, streamWindow: 1, sessionWindow: 1 },
      { type: 'confirm', instance, epoch: 0 }
    ] as const) {
      const core = new Core()
      core.receive(0, frame)
      expect(ofType(core.effects(), 'pathError')).toMatchObject([{ error: { name: 'ProtocolViolationError' } }])
    }
  })

  it('that is unknown is not listened to', () => {
    const core = new Core()
    core.receive(9, data(1, 0, 5))
    expect(core.effects()).toEqual([])
  })

  it('is one of at most four', () => {
    const core = new Core({ paths: [0, 2, 4, 6] })
    expect(() => core.attach(8)).toThrow()
  })

  it('knows since when it owes an answer', () => {
    const core = new Core()
    core.now = 10
    core.receive(0, { type: 'pong', nonce: 5 })
    expect(core.path(0)).toMatchObject({ lastHeardAt: 10, unansweredSince: undefined, oldestUnackedAt: undefined })
    core.now = 20
    core.session.ping(0, 20)
    core.now = 30
    core.open(5)
    core.sent()
    expect(core.path(0)).toMatchObject({ lastHeardAt: 10, unansweredSince: 20, oldestUnackedAt: 30 })
    core.now = 40
    core.ackAll()
    expect(core.path(0)).toMatchObject({ lastHeardAt: 40, unansweredSince: undefined, oldestUnackedAt: undefined })
  })
})
