import { describe, expect, it } from 'vitest'
import { Core, data, framesOf, ofType, payloadBytes } from './harness.ts'

describe('the death of a path', () => {
  it('queues again what it has not acknowledged, and only that', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(48_000)
    const before = ofType(core.sent(), 'stream')
    expect(before.map(({ offset }) => offset)).toEqual([0, 16_000, 32_000])
    core.ack(0, 1)
    core.sent()
    core.detach(0)
    const again = core.effects()
    expect(framesOf(again, 0)).toEqual([])
    expect(
      ofType(framesOf(again, 2), 'stream').map(({ offset, data: { byteLength } }) => [offset, byteLength])
    ).toEqual([
      [16_000, 16_000],
      [32_000, 16_000]
    ])
  })

  it('does not queue what another path has acknowledged meanwhile', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(16_000)
    core.sent()
    core.silence(0, 2)
    // Suspect: sent again on path 2, and acknowledged there.
    core.ackAll(2)
    core.sent()
    core.detach(0)
    expect(payloadBytes(core.sent())).toBe(0)
    expect(core.session.sendBufferedBytes).toBe(0)
  })

  it('keeps everything while no path is left, and sends it on the next', () => {
    const core = new Core()
    const stream = core.open(20_000)
    core.session.finish(stream, 0)
    core.sent()
    core.detach(0)
    expect(core.effects()).toEqual([])
    expect(core.session.nextWakeAt()).toBeUndefined()
    core.attach(2)
    const frames = ofType(core.sent(2), 'stream')
    expect(payloadBytes(frames)).toBe(20_000)
    expect(frames.at(-1)!.fin).toBe(true)
  })

  it('sends RESET, STOP_SENDING and credit again as they are now', () => {
    const core = new Core({ config: { streamWindow: 10_000, sessionWindow: 10_000 } })
    const stream = core.open(10)
    core.sent()
    core.receive(0, data(1, 0, 10_000), data(3, 0, 1))
    core.session.consume(1, 5_000, 0)
    core.session.reset(stream, 7, 0)
    core.session.stopSending(3, 8, 0)
    core.sent()
    core.detach(0)
    core.session.consume(1, 5_000, 0)
    core.attach(2)
    const frames = core.sent(2)
    expect(ofType(frames, 'reset')).toEqual([{ type: 'reset', stream, code: 7, finalOffset: 10 }])
    expect(ofType(frames, 'stopSending')).toEqual([{ type: 'stopSending', stream: 3, code: 8 }])
    expect(ofType(frames, 'maxStreamData')).toEqual([{ type: 'maxStreamData', stream: 1, max: 20_000 }])
    expect(ofType(frames, 'maxData')).toHaveLength(1)
  })

  it('announces again a stream whose announcement was lost', () => {
    const core = new Core()
    const stream = core.open()
    core.sent()
    core.detach(0)
    core.attach(2)
    expect(core.sent(2)).toEqual([data(stream, 0, 0)])
  })

  it('may be told twice, or of a path nobody knows', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(5)
    core.sent()
    core.detach(0)
    core.detach(0)
    core.detach(77)
    expect(payloadBytes(core.sent(2))).toBe(5)
  })
})

describe('suspicion', () => {
  const suspected = () => {
    const core = new Core({ paths: [0, 2] })
    core.open(16_000)
    core.sent()
    return { core, effects: core.silence(0, 2) }
  }

  it('falls on a path that acknowledges nothing for one RTO while the peer is heard on another one', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    const { rtoMs } = core.path(0)
    expect(framesOf(core.advance(rtoMs - 1))).toEqual([])
    const asked = ofType(framesOf(core.advance(rtoMs + 1), 2), 'ping')
    expect(asked).toHaveLength(1)
    core.now += 30
    core.receive(2, { type: 'pong', nonce: asked[0]!.nonce })
    expect(ofType(core.effects(), 'pathSuspect')).toEqual([])
    const suspicion = ofType(core.advance(core.now + 51), 'pathSuspect')
    expect(suspicion).toEqual([{ type: 'pathSuspect', path: 0, by: 'self' }])
    expect(core.path(0).status).toBe('suspect')
  })

  it('waits longer by what the path is slower than the one the peer is heard on', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    core.now += 180
    core.ackAll()
    core.open(10)
    core.sent()
    const [ping] = ofType(framesOf(core.advance(core.now + core.path(0).rtoMs + 1), 2), 'ping')
    core.now += 30
    core.receive(2, { type: 'pong', nonce: ping!.nonce })
    const heardAt = core.now
    expect(ofType(core.advance(heardAt + 199), 'pathSuspect')).toEqual([])
    expect(ofType(core.advance(heardAt + 231), 'pathSuspect')).toHaveLength(1)
  })

  it('falls on no path while the peer is heard nowhere: it, or this side, is busy', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    expect(ofType(core.advance(2_500), 'pathSuspect')).toEqual([])
    core.ackAll()
    expect(ofType(core.advance(10_000), 'pathSuspect')).toEqual([])
    expect(core.path(0).status).toBe('healthy')
  })

  it('gives what was said here at the same time as elsewhere a moment to arrive', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    core.advance(700)
    core.receive(2, { type: 'ping', nonce: 1 })
    core.now += 20
    core.ackAll()
    expect(ofType(core.advance(10_000), 'pathSuspect')).toEqual([])
  })

  it('needs no other path to be told from', () => {
    const core = new Core()
    core.open(10)
    core.sent()
    expect(ofType(core.advance(core.path(0).rtoMs + 1), 'pathSuspect')).toHaveLength(1)
  })

  it('waits while ACKs make progress, however long the queue is', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(500_000)
    core.sent()
    const effects = []
    for (let sequence = 1; sequence <= 4; sequence++) {
      effects.push(...core.advance(core.now + core.path(0).rtoMs - 1))
      core.ack(0, sequence)
      effects.push(...core.effects())
    }
    expect(ofType(effects, 'pathSuspect')).toEqual([])
  })

  it('never falls on a path that owes nothing', () => {
    const core = new Core()
    core.open(10)
    core.sent()
    core.ackAll()
    expect(core.session.nextWakeAt()).toBeUndefined()
    expect(ofType(core.advance(100_000), 'pathSuspect')).toEqual([])
  })

  it('never falls on a path for PINGs alone', () => {
    const core = new Core()
    core.session.ping(0, 0)
    core.sent()
    expect(ofType(core.advance(100_000), 'pathSuspect')).toEqual([])
  })

  it('is told to the peer behind the ACK of what the suspect path has brought: that much is not sent again', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.receive(0, data(1, 0, 5), data(1, 5, 5))
    core.sent()
    const frames = framesOf(core.silence(0, 2), 2)
    const told = frames.findIndex(({ type }) => type === 'status')
    expect(frames[told - 1]).toEqual({ type: 'ack', path: 0, sequence: 2, delayMs: 0 })
  })

  it('is told to the peer on another path', () => {
    const { effects } = suspected()
    expect(ofType(framesOf(effects, 2), 'status')).toMatchObject([{ suspects: 0 }])
    expect(ofType(framesOf(effects, 0), 'status')).toEqual([])
  })

  it('sends what is unacknowledged on another path too, once, and new bytes only there', () => {
    const { core, effects } = suspected()
    expect(payloadBytes(framesOf(effects, 2))).toBe(16_000)
    core.open(100)
    const after = core.effects()
    expect(payloadBytes(framesOf(after, 2))).toBe(100)
    expect(payloadBytes(framesOf(after, 0))).toBe(0)
  })

  it('is sticky: frames of the peer on that path do not clear it', () => {
    const { core } = suspected()
    core.receive(0, data(1, 0, 5), { type: 'ping', nonce: 1 }, { type: 'maxData', max: 2 ** 40 })
    expect(core.path(0).status).toBe('suspect')
  })

  it('is not cleared by ACKs about other paths', () => {
    const { core } = suspected()
    core.sent()
    core.ackAll(2)
    core.ack(2, core.counted(2), 0)
    core.ack(0, 0)
    expect(core.path(0).status).toBe('suspect')
  })

  it('is cleared by progress of the ACKs that come on that path', () => {
    const { core } = suspected()
    core.ack(0, 1)
    expect(ofType(core.effects(), 'pathRestored')).toEqual([{ type: 'pathRestored', path: 0 }])
    expect(core.path(0).status).toBe('healthy')
  })

  it('is not cleared by an ACK about that path on another one, and then still is by its own', () => {
    const { core } = suspected()
    core.ack(0, 1, 2)
    expect(ofType(core.effects(), 'pathRestored')).toEqual([])
    expect(core.path(0)).toMatchObject({ status: 'suspect', inFlightBytes: 0 })
    core.ack(0, 1)
    expect(ofType(core.effects(), 'pathRestored')).toEqual([{ type: 'pathRestored', path: 0 }])
  })

  it('comes of doubt also when what was unacknowledged was acknowledged elsewhere meanwhile', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    const [ping] = ofType(framesOf(core.advance(core.path(0).rtoMs + 1), 2), 'ping')
    core.now += 30
    core.receive(2, { type: 'ack', path: 0, sequence: 1, delayMs: 0 }, { type: 'pong', nonce: ping!.nonce })
    expect(ofType(core.advance(core.now + 51), 'pathSuspect')).toEqual([{ type: 'pathSuspect', path: 0, by: 'self' }])
    expect(payloadBytes(core.sent(2))).toBe(0)
  })

  it('does not come of doubt when its own ACK is only later than the one elsewhere', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    const [ping] = ofType(framesOf(core.advance(core.path(0).rtoMs + 1), 2), 'ping')
    core.now += 30
    core.receive(2, { type: 'ack', path: 0, sequence: 1, delayMs: 0 }, { type: 'pong', nonce: ping!.nonce })
    core.now += 40
    core.ack(0, 1)
    expect(ofType(core.advance(core.now + 1_000), 'pathSuspect')).toEqual([])
  })

  it('does not come of doubt while the peer is heard here, and says elsewhere that it has what we sent: its ACKs are late', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    const { rtoMs } = core.path(0)
    // Bulk of the peer, 131 ms apart as at 1 Mbit/s; its ACKs wait behind it.
    const bulk = core.now + rtoMs - 30
    core.advance(bulk)
    core.receive(0, data(1, 0, 16_000))
    const [ping] = ofType(framesOf(core.advance(rtoMs + 1), 2), 'ping')
    core.now += 90
    core.receive(2, { type: 'ack', path: 0, sequence: 1, delayMs: 0 }, { type: 'pong', nonce: ping!.nonce })
    expect(ofType(core.advance(core.now + 1_000), 'pathSuspect')).toEqual([])
  })

  it('gives a peer that was heard nowhere for a while one RTO to catch up', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    const { rtoMs } = core.path(0)
    const [ping] = ofType(framesOf(core.advance(3_000), 2), 'ping')
    core.receive(2, { type: 'pong', nonce: ping!.nonce })
    expect(ofType(core.advance(core.now + rtoMs - 1), 'pathSuspect')).toEqual([])
    expect(ofType(core.advance(core.now + 2), 'pathSuspect')).toHaveLength(1)
  })

  it('does not come of doubt when the peer is heard here after it has said elsewhere that it has what we sent', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    const [ping] = ofType(framesOf(core.advance(2_000), 2), 'ping')
    core.receive(2, { type: 'ack', path: 0, sequence: 1, delayMs: 0 }, { type: 'pong', nonce: ping!.nonce })
    core.now += 100
    core.receive(0, data(1, 0, 16_000))
    expect(ofType(core.advance(core.now + 1_000), 'pathSuspect')).toEqual([])
  })

  it('comes of doubt though the peer is heard here, when it does not have what we sent', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.open(10)
    core.sent()
    const [ping] = ofType(framesOf(core.advance(core.path(0).rtoMs + 1), 2), 'ping')
    core.now += 90
    core.receive(0, data(1, 0, 16_000))
    core.receive(2, { type: 'ack', path: 0, sequence: 1, delayMs: 0 }, { type: 'pong', nonce: ping!.nonce })
    expect(ofType(core.advance(core.now + 51), 'pathSuspect')).toEqual([{ type: 'pathSuspect', path: 0, by: 'self' }])
  })

  it('is cleared by the answer to our PING on that path', () => {
    const { core, effects } = suspected()
    const [ping] = ofType(framesOf(effects, 0), 'ping')
    core.receive(0, { type: 'pong', nonce: ping!.nonce })
    expect(core.path(0).status).toBe('healthy')
  })

  it('comes as soon the next time: what waited it out is no round-trip time', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    core.now = 20
    core.ackAll()
    core.open(10)
    core.sent()
    const { rtoMs } = core.path(0)
    core.silence(0, 2)
    expect(core.path(0).status).toBe('suspect')
    core.now += 2_000
    core.ackAll()
    expect(core.path(0).status).toBe('healthy')
    expect(core.path(0).rtoMs).toBe(rtoMs)
    // A path that has become slow is measured by what was sent since.
    core.open(10)
    core.sent()
    core.now += 400
    core.ackAll()
    expect(core.path(0).rtoMs).toBeGreaterThan(rtoMs)
  })

  it('comes as soon after an outage of all paths: that was no round-trip time either', () => {
    const core = new Core({ paths: [0, 2] })
    for (let round = 0; round < 10; round++) {
      core.open(10)
      core.sent()
      core.now += 30
      core.ackAll()
    }
    const { rtoMs } = core.path(0)
    for (let frames = 0; frames < 5; frames++) core.open(10)
    core.sent()
    const before = core.counted(0) - 5
    core.advance(core.now + 2_700)
    for (let frames = 1; frames <= 5; frames++) core.ack(0, before + frames)
    expect(core.path(0).status).toBe('healthy')
    expect(core.path(0).rtoMs).toBe(rtoMs)
  })

  it('comes later on a path whose round trips have grown', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    core.now += 30
    core.ackAll()
    core.open(10)
    core.sent()
    core.advance(core.now + 800)
    core.ackAll()
    expect(core.path(0).rtoMs).toBeGreaterThan(400)
  })

  it('moves back to the preferred path when cleared', () => {
    const { core } = suspected()
    core.ack(0, core.counted(0))
    core.sent()
    core.open(100)
    expect(payloadBytes(core.sent(0))).toBe(100)
  })

  it('of the peer is shared, and not sent back', () => {
    const core = new Core({ paths: [0, 2] })
    core.receive(2, { type: 'status', suspects: 0, renew: false })
    const effects = core.effects()
    expect(ofType(effects, 'pathSuspect')).toEqual([{ type: 'pathSuspect', path: 0, by: 'peer' }])
    expect(ofType(framesOf(effects), 'status')).toEqual([])
    core.open(100)
    expect(payloadBytes(core.sent(2))).toBe(100)
  })

  it('of the peer counts for nothing about the path it came on, or one nobody knows', () => {
    const core = new Core({ paths: [0, 2] })
    core.receive(0, { type: 'status', suspects: 0, renew: false }, { type: 'status', suspects: 99, renew: false })
    expect(ofType(core.effects(), 'pathSuspect')).toEqual([])
  })

  it('of all paths stops nothing: the best of them is used', () => {
    const core = new Core()
    core.open(10)
    core.sent()
    core.advance(5_000)
    core.open(100)
    expect(payloadBytes(core.sent(0))).toBe(100)
  })

  it('asks for ticks seldom', () => {
    const core = new Core({ paths: [0, 2] })
    core.open(10)
    core.sent()
    core.silence(0, 2)
    core.ackAll(2)
    const pings = ofType(framesOf(core.advance(61_000)), 'ping')
    expect(pings.length).toBeGreaterThan(20)
    expect(pings.length).toBeLessThan(70)
  })
})

describe('preference', () => {
  it('sends on the first healthy path named, others in the order they came', () => {
    const core = new Core({ paths: [0, 2, 4] })
    core.open(10)
    expect(payloadBytes(core.sent(0))).toBe(10)
    core.session.prefer([4, 2], 0)
    core.open(10)
    expect(payloadBytes(core.sent(4))).toBe(10)
    core.detach(4)
    core.ackAll(0)
    core.open(10)
    expect(payloadBytes(core.sent(2))).toBe(20)
  })

  it('may name paths that do not exist yet', () => {
    const core = new Core()
    core.session.prefer([6, 0], 0)
    core.open(10)
    expect(payloadBytes(core.sent(0))).toBe(10)
    core.attach(6)
    core.open(10)
    expect(payloadBytes(core.sent(6))).toBe(10)
  })

  it('waits for a full carrier instead of spreading one stream over paths', () => {
    const core = new Core({ paths: [0, 2] })
    core.session.setWritable(0, false, 0)
    core.open(10)
    expect(core.effects()).toEqual([])
    core.session.setWritable(0, true, 0)
    expect(payloadBytes(core.sent(0))).toBe(10)
  })
})

describe('GOAWAY', () => {
  it('about a path that is given up travels on another one', () => {
    const core = new Core()
    core.attach(2)
    core.session.sendGoaway(2, 2, 0, 0)
    core.session.sendGoaway(0, 2, 0, 0)
    const effects = core.effects()
    expect(framesOf(effects, 0)).toEqual([{ type: 'goaway', path: 2, reason: 2, delayMs: 0 }])
    expect(framesOf(effects, 2)).toEqual([{ type: 'goaway', path: 0, reason: 2, delayMs: 0 }])
  })

  it('about the only path, given up, is not said at all', () => {
    const core = new Core()
    core.session.sendGoaway(0, 2, 0, 0)
    expect(core.sent()).toEqual([])
  })

  it('is passed on in both directions', () => {
    const core = new Core()
    core.session.sendGoaway(0, 3, 500, 0)
    expect(core.sent()).toEqual([{ type: 'goaway', path: 0, reason: 3, delayMs: 500 }])
    const other = new Core()
    other.receive(0, { type: 'goaway', path: 0, reason: 4, delayMs: 100 })
    expect(other.events()).toEqual([{ type: 'goaway', path: 0, reason: 4, delayMs: 100 }])
  })

  it('is answered when nothing is on its way there any more', () => {
    const core = new Core()
    core.attach(2)
    core.session.prefer([0, 2], 0)
    core.open(10)
    core.effects()
    core.receive(0, { type: 'goaway', path: 0, reason: 1, delayMs: 1_000 })
    core.session.prefer([2, 0], 0)
    expect(ofType(core.sent(0), 'goaway')).toEqual([])
    core.ackAll(0)
    expect(ofType(core.sent(0), 'goaway')).toMatchObject([{ path: 0 }])
    core.ackAll(0)
    expect(core.sent(0)).toEqual([])
  })

  it('is not answered while there is no other path to send on', () => {
    const core = new Core()
    core.receive(0, { type: 'goaway', path: 0, reason: 1, delayMs: 1_000 })
    expect(ofType(core.sent(), 'goaway')).toEqual([])
    core.attach(2)
    core.session.prefer([2, 0], 0)
    expect(ofType(core.sent(0), 'goaway')).toHaveLength(1)
  })

  it('tells whoever left when both sides have everything', () => {
    const core = new Core()
    core.attach(2)
    core.session.prefer([0, 2], 0)
    core.open(10)
    core.effects()
    core.session.prefer([2, 0], 0)
    core.session.sendGoaway(0, 1, 1_000, 0)
    expect(core.events()).toEqual([])
    core.receive(0, { type: 'goaway', path: 0, reason: 0, delayMs: 1 })
    expect(core.events()).toEqual([])
    core.ackAll(0)
    expect(core.events()).toEqual([{ type: 'pathDrained', path: 0 }])
    expect(core.events()).toEqual([])
  })
})
