import { describe, expect, it } from 'vitest'
import { Core, data, exchange, framesOf, ofType, payloadBytes } from './harness.ts'

describe('close', () => {
  it('sends CLOSE only behind all data, and FIN for streams still open', () => {
    const core = new Core()
    const stream = core.open(200_000)
    core.session.close(0)
    let sent = 0
    for (let rounds = 0; rounds < 50; rounds++) {
      const frames = core.sent()
      sent += payloadBytes(frames)
      if (ofType(frames, 'close').length > 0) {
        expect(sent).toBe(200_000)
        expect(frames.at(-1)!.type).toBe('close')
        expect(ofType(frames, 'stream').at(-1)).toMatchObject({ stream, fin: true })
        return
      }
      core.now += 20
      core.ackAll()
    }
    expect.unreachable('CLOSE never left')
  })

  it('opens no streams any more and turns away those of the peer', () => {
    const core = new Core()
    core.session.close(0)
    expect(() => core.session.openStream(0)).toThrow(expect.objectContaining({ name: 'SessionClosedError' }))
    core.receive(0, data(1, 0, 5))
    const effects = core.effects()
    expect(ofType(effects, 'streamOpen')).toEqual([])
    expect(ofType(framesOf(effects), 'reset')).toMatchObject([{ stream: 1 }])
    expect(ofType(framesOf(effects), 'stopSending')).toMatchObject([{ stream: 1 }])
  })

  it('still delivers what the peer sends on streams it knows', () => {
    const core = new Core()
    core.receive(0, data(1, 0, 5))
    core.effects()
    core.session.close(0)
    core.receive(0, data(1, 5, 5, true))
    const effects = core.effects()
    expect(ofType(effects, 'streamData')).toHaveLength(1)
    expect(ofType(effects, 'streamEnd')).toHaveLength(1)
  })

  it('is over when both have closed and everything is acknowledged', () => {
    const a = new Core({ side: 0 })
    const b = new Core({ side: 1 })
    a.open(50_000)
    exchange(a, b)
    a.session.close(0)
    const first = exchange(a, b)
    expect(ofType(first.toB, 'peerClosed')).toEqual([{ type: 'peerClosed', code: 0 }])
    expect([a.session.status, b.session.status]).toEqual(['closing', 'open'])
    b.session.close(0)
    const second = exchange(a, b)
    expect(ofType(second.toA, 'peerClosed')).toEqual([{ type: 'peerClosed', code: 0 }])
    expect([...ofType(second.toA, 'closed'), ...ofType(second.toB, 'closed')]).toEqual([
      { type: 'closed', code: 0 },
      { type: 'closed', code: 0 }
    ])
    expect([a.session.status, b.session.status]).toEqual(['closed', 'closed'])
  })

  it('tells peerClosed only when all the peer sent has arrived, though CLOSE came first', () => {
    const core = new Core({ paths: [0, 2] })
    core.receive(2, { type: 'close', code: 0, streams: 1, seen: 0 })
    expect(core.events()).toEqual([])
    core.receive(0, data(1, 0, 5))
    expect(ofType(core.effects(), 'peerClosed')).toEqual([])
    core.receive(0, data(1, 5, 5, true))
    expect(core.events().map(({ type }) => type)).toEqual(['streamData', 'streamEnd', 'peerClosed'])
  })

  it('is sent again when its path dies before the ACK', () => {
    const core = new Core()
    core.session.close(0)
    const [close] = ofType(core.sent(), 'close')
    core.detach(0)
    core.attach(2)
    expect(ofType(core.sent(2), 'close')).toEqual([close])
  })

  it('ends streams the peer never saw with a reset', () => {
    const core = new Core()
    const stream = core.open(5)
    core.sent()
    core.receive(0, { type: 'close', code: 0, streams: 0, seen: 0 })
    expect(core.events()).toEqual([
      { type: 'streamReset', stream, code: 0 },
      { type: 'peerClosed', code: 0 }
    ])
    expect(core.session.sendBufferedBytes).toBe(0)
  })

  it('settles the session credit of streams the peer never saw', () => {
    const core = new Core({ path: { peerSessionWindow: 20_000 } })
    const stream = core.open(50_000)
    core.sent()
    core.detach(0)
    core.attach(2, { peerSessionWindow: 20_000 })
    core.receive(2, { type: 'close', code: 0, streams: 0, seen: 0 })
    expect(ofType(core.sent(2), 'reset')).toEqual([{ type: 'reset', stream, code: 0, finalOffset: 4_096 + 20_000 }])
  })

  it('with a code ends everything at once on both sides', () => {
    const a = new Core({ side: 0, paths: [0, 2] })
    const b = new Core({ side: 1 })
    const stream = a.open(10)
    exchange(a, b)
    a.session.abort(5, 0)
    const effects = a.effects()
    expect(framesOf(effects).map(({ type }) => type)).toEqual(['close', 'close'])
    expect(effects.at(-1)).toEqual({ type: 'closed', code: 5 })
    b.receive(0, ...framesOf(effects, 0))
    expect(b.events()).toEqual([
      { type: 'streamReset', stream, code: 5 },
      { type: 'peerClosed', code: 5 },
      { type: 'closed', code: 5 }
    ])
    for (const { session } of [a, b]) {
      expect(session.status).toBe('closed')
      expect([session.streamCount, session.sendBufferedBytes, session.receiveBufferedBytes]).toEqual([0, 0, 0])
      expect(session.nextWakeAt()).toBeUndefined()
    }
  })

  it('lets nothing follow', () => {
    const core = new Core()
    core.session.abort(1, 0)
    core.effects()
    core.receive(0, data(1, 0, 5))
    core.session.tick(1_000)
    core.attach(2)
    core.session.abort(2, 0)
    core.session.close(0)
    expect(core.effects()).toEqual([])
    expect(() => core.session.openStream(0)).toThrow(expect.objectContaining({ name: 'SessionClosedError' }))
  })

  it('lets no orderly end follow that was still incomplete', () => {
    const core = new Core()
    // One stream of the peer is missing: its CLOSE waits for it.
    core.receive(0, data(1, 0, 5), { type: 'close', code: 0, streams: 2, seen: 0 })
    core.session.abort(1, 0)
    core.effects()
    core.session.stopSending(1, 0, 0)
    expect(core.effects()).toEqual([])
  })
})
