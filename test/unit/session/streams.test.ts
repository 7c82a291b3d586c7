import { describe, expect, it } from 'vitest'
import { Core, data, exchange, framesOf, KIB, ofType, payloadBytes } from './harness.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)

function delivered(core: Core, stream = 1): number[] {
  return ofType(core.effects(), 'streamData')
    .filter((effect) => effect.stream === stream)
    .flatMap((effect) => [...effect.data])
}

function violation(core: Core): unknown {
  return ofType(core.effects(), 'pathError')[0]?.error
}

describe('streams', () => {
  it('have even ids on side 0 and odd ids on side 1, one after the other', () => {
    for (const side of [0, 1] as const) {
      const core = new Core({ side })
      expect([core.open(), core.open(), core.open()]).toEqual([side, side + 2, side + 4])
    }
  })

  it('are announced to the peer before they carry data', () => {
    const core = new Core()
    const stream = core.open()
    expect(core.sent()).toEqual([data(stream, 0, 0)])
  })

  it('are opened by any frame about them', () => {
    const frames = [
      data(1, 0, 0),
      { type: 'reset', stream: 1, code: 0, finalOffset: 0 },
      { type: 'stopSending', stream: 1, code: 0 },
      { type: 'maxStreamData', stream: 1, max: 9 }
    ] as const
    for (const frame of frames) {
      const core = new Core()
      core.receive(0, frame)
      expect(core.events()[0]).toEqual({ type: 'streamOpen', stream: 1 })
    }
  })

  it('open all lower ids of their side, in order', () => {
    const core = new Core()
    core.receive(0, data(7, 0, 0))
    core.receive(0, data(3, 0, 0))
    expect(ofType(core.effects(), 'streamOpen').map(({ stream }) => stream)).toEqual([1, 3, 5, 7])
  })

  it('deliver each byte once and in order, whatever order and overlap frames have', () => {
    const core = new Core()
    core.receive(0, data(1, 4, bytes(4, 5, 6)), data(1, 8, bytes(8), true), data(1, 2, bytes(2, 3, 4, 5)))
    expect(core.session.receiveBufferedBytes).toBe(6)
    core.receive(0, data(1, 0, bytes(0, 1, 2)), data(1, 0, bytes(0)), data(1, 5, bytes(5, 6, 7)))
    const effects = core.effects()
    expect(ofType(effects, 'streamData').flatMap((effect) => [...effect.data])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(ofType(effects, 'streamEnd')).toHaveLength(1)
    expect(core.session.receiveBufferedBytes).toBe(0)
  })

  it('keep the first bytes received for an offset', () => {
    const core = new Core()
    core.receive(0, data(1, 2, bytes(2, 3)), data(1, 0, bytes(9, 9, 9, 9, 9)))
    expect(delivered(core)).toEqual([9, 9, 2, 3, 9])
  })

  it('keep what waits for a gap when the chunk it came in is reused', () => {
    const core = new Core()
    const chunk = bytes(1, 2)
    core.receive(0, data(1, 1, chunk))
    chunk.fill(0xff)
    core.receive(0, data(1, 0, bytes(0)))
    expect(delivered(core)).toEqual([0, 1, 2])
  })

  it('end with an empty frame as well', () => {
    const core = new Core()
    core.receive(0, data(1, 0, 0, true))
    expect(core.events()).toEqual([
      { type: 'streamOpen', stream: 1 },
      { type: 'streamEnd', stream: 1 }
    ])
  })

  it('stay finished: late duplicates are acknowledged and do not open them again', () => {
    const core = new Core()
    core.receive(0, data(1, 0, bytes(1, 2, 3), true))
    core.session.consume(1, 3, 0)
    core.session.finish(1, 0)
    core.sent()
    core.ackAll()
    core.effects()
    expect(core.session.streamCount).toBe(0)

    core.receive(0, data(1, 0, bytes(1, 2, 3), true), data(1, 0, bytes(1)))
    core.receive(0, { type: 'reset', stream: 1, code: 0, finalOffset: 3 }, { type: 'stopSending', stream: 1, code: 0 })
    core.receive(0, { type: 'maxStreamData', stream: 1, max: 99 }, { type: 'blocked', stream: 1, limit: 0 })
    const effects = core.effects()
    expect(effects.filter(({ type }) => type !== 'send')).toEqual([])
    expect(ofType(framesOf(effects), 'ack').at(-1)).toMatchObject({ sequence: 6 })
    expect(core.session.streamCount).toBe(0)
  })

  it('are forgotten when both directions have ended and all was consumed', () => {
    const core = new Core()
    core.receive(0, data(1, 0, 10, true))
    core.session.finish(1, 0)
    core.sent()
    core.ackAll()
    expect(core.session.streamCount).toBe(1)
    core.session.consume(1, 10, 0)
    expect(core.session.streamCount).toBe(0)
  })

  it('refuse to be opened beyond the limit, until one has ended', () => {
    const core = new Core({ config: { maxStreams: 2 } })
    const first = core.open()
    core.open()
    expect(() => core.open()).toThrow(expect.objectContaining({ name: 'TooManyStreamsError' }))
    core.session.finish(first, 0)
    core.sent()
    core.ackAll()
    core.receive(0, data(first, 0, 0, true))
    core.effects()
    expect(core.open()).toBe(4)
  })

  it('accept writes and commands after their end without effect', () => {
    const core = new Core()
    const stream = core.open(5)
    core.session.reset(stream, 1, 0)
    core.sent()
    core.session.write(stream, new Uint8Array(10), 0)
    core.session.finish(stream, 0)
    core.session.reset(stream, 2, 0)
    core.session.consume(99, 1, 0)
    core.session.finish(99, 0)
    expect(core.sent()).toEqual([])
    expect(core.session.sendBufferedBytes).toBe(0)
  })
})

describe('RESET', () => {
  it('drops what is kept and names the highest offset that was sent', () => {
    const core = new Core({ path: { peerStreamWindow: 20_000 } })
    const stream = core.open(50_000)
    core.sent()
    core.session.reset(stream, 7, 0)
    expect(core.session.sendBufferedBytes).toBe(0)
    expect(core.sent()).toEqual([{ type: 'reset', stream, code: 7, finalOffset: 20_000 }])
  })

  it('tells the application once, and drops what it has not been given', () => {
    const core = new Core()
    core.receive(0, data(1, 0, 5), data(1, 10, 5))
    core.receive(0, { type: 'reset', stream: 1, code: 7, finalOffset: 15 })
    core.receive(0, { type: 'reset', stream: 1, code: 7, finalOffset: 15 }, data(1, 5, 5))
    expect(core.events()).toMatchObject([
      { type: 'streamOpen' },
      { type: 'streamData' },
      { type: 'streamReset', stream: 1, code: 7 }
    ])
    expect(core.session.receiveBufferedBytes).toBe(0)
  })

  it('changes nothing for a reader that has everything already', () => {
    const core = new Core()
    core.receive(0, data(1, 0, 5, true))
    core.effects()
    core.receive(0, { type: 'reset', stream: 1, code: 7, finalOffset: 5 })
    expect(core.events()).toEqual([])
  })
})

describe('STOP_SENDING', () => {
  it('is answered by RESET with the offset reached, and the application is told', () => {
    const core = new Core()
    const stream = core.open(10_000)
    core.sent()
    core.receive(0, { type: 'stopSending', stream, code: 3 })
    const effects = core.effects()
    expect(ofType(effects, 'streamStopped')).toEqual([{ type: 'streamStopped', stream, code: 3 }])
    expect(ofType(framesOf(effects), 'reset')).toEqual([{ type: 'reset', stream, code: 3, finalOffset: 10_000 }])
  })

  it('is answered by RESET also while FIN is under way', () => {
    const core = new Core()
    const stream = core.open(10)
    core.session.finish(stream, 0)
    core.sent()
    core.receive(0, { type: 'stopSending', stream, code: 3 })
    expect(ofType(core.sent(), 'reset')).toEqual([{ type: 'reset', stream, code: 3, finalOffset: 10 }])
  })

  it('is not answered again, nor after everything was acknowledged', () => {
    const core = new Core()
    const stream = core.open(10)
    core.session.finish(stream, 0)
    core.sent()
    core.ackAll()
    core.receive(0, { type: 'stopSending', stream, code: 3 }, { type: 'stopSending', stream, code: 3 })
    expect(ofType(core.sent(), 'reset')).toEqual([])
  })

  it('is sent once, and nothing is delivered after it', () => {
    const core = new Core()
    core.receive(0, data(1, 0, 5))
    core.effects()
    core.session.stopSending(1, 4, 0)
    core.session.stopSending(1, 4, 0)
    core.receive(0, data(1, 5, 5, true))
    const effects = core.effects()
    expect(ofType(framesOf(effects), 'stopSending').length).toBeLessThanOrEqual(1)
    expect(effects.filter(({ type }) => type !== 'send')).toEqual([])
  })

  it('ends with the peer’s RESET, so that both sides forget the stream', () => {
    const a = new Core({ side: 0 })
    const b = new Core({ side: 1 })
    const stream = a.open(40 * KIB)
    exchange(a, b)
    b.session.stopSending(stream, 0, 0)
    b.session.finish(stream, 0)
    exchange(a, b)
    expect([a.session.streamCount, b.session.streamCount]).toEqual([0, 0])
    expect(a.session.sendBufferedBytes).toBe(0)
  })
})

describe('a peer that breaks the rules of streams', () => {
  const cases: [what: string, error: string, play: (core: Core) => void][] = [
    [
      'ends a stream at two offsets',
      'ProtocolViolationError',
      (core) => core.receive(0, data(1, 0, 5, true), data(1, 0, 6, true))
    ],
    ['sends beyond the end', 'ProtocolViolationError', (core) => core.receive(0, data(1, 0, 5, true), data(1, 5, 1))],
    [
      'ends a stream before what it has sent',
      'ProtocolViolationError',
      (core) => core.receive(0, data(1, 0, 5), data(1, 0, 4, true))
    ],
    [
      'resets below what it has sent',
      'ProtocolViolationError',
      (core) => core.receive(0, data(1, 0, 5), { type: 'reset', stream: 1, code: 0, finalOffset: 4 })
    ],
    ['uses a stream of ours that was never opened', 'ProtocolViolationError', (core) => core.receive(0, data(0, 0, 5))],
    ['opens too many streams', 'ProtocolViolationError', (core) => core.receive(0, data(1 + 2 * 100_000, 0, 0))],
    ['opens 2^52 streams', 'ProtocolViolationError', (core) => core.receive(0, data(2 ** 52 + 1, 0, 0))],
    [
      'leaves more than 64 gaps',
      'ProtocolViolationError',
      (core) => {
        for (let gap = 1; gap <= 65; gap++) core.receive(0, data(1, gap * 2, 1))
      }
    ],
    [
      'sends at an offset of 2^53 - 1',
      'FlowControlError',
      (core) => core.receive(0, data(1, Number.MAX_SAFE_INTEGER, 5))
    ]
  ]
  for (const [what, error, play] of cases) {
    it(`and ${what} costs itself the path: ${error}`, () => {
      const core = new Core()
      play(core)
      expect(violation(core)).toMatchObject({ name: error })
    })
  }

  it('may leave 64 gaps', () => {
    const core = new Core()
    for (let gap = 1; gap <= 64; gap++) core.receive(0, data(1, gap * 2, 1))
    expect(violation(core)).toBeUndefined()
    expect(core.session.receiveBufferedBytes).toBe(64)
  })

  it('is not listened to on that path any more', () => {
    const core = new Core()
    core.receive(0, data(1, 0, 5, true), data(1, 0, 6, true))
    core.effects()
    core.receive(0, data(3, 0, 5))
    expect(core.effects()).toEqual([])
  })

  it('with tiny frames behind a gap costs memory and time in proportion to its bytes', () => {
    const core = new Core()
    // Looking at all pieces for each frame would take minutes: the test's own timeout is the bound.
    for (let offset = 150_000; offset >= 1; offset--) core.receive(0, data(1, offset, 1))
    core.receive(0, data(1, 0, 1))
    expect(violation(core)).toBeUndefined()
  })

  it('cannot make correct streams exceed the limit by acknowledging late', () => {
    // Our FINs are under way and the peer, who has them, opens as many streams again.
    const core = new Core({ config: { maxStreams: 4 } })
    for (let index = 0; index < 4; index++) {
      core.receive(0, data(1 + 2 * index, 0, 0, true))
      core.session.finish(1 + 2 * index, 0)
    }
    core.sent()
    for (let index = 4; index < 8; index++) core.receive(0, data(1 + 2 * index, 0, 0))
    expect(violation(core)).toBeUndefined()
  })

  it('is not one who opens new streams while ours only wait for acknowledgements', () => {
    const core = new Core({ config: { maxStreams: 4 } })
    for (let index = 0; index < 40; index++) {
      core.receive(0, data(1 + 2 * index, 0, 0, true))
      core.session.finish(1 + 2 * index, 0)
      expect(violation(core)).toBeUndefined()
    }
  })

  it('is turned away while 1,024 ended streams wait for their reader, and heard again when one is read', () => {
    const core = new Core()
    const opened = (index: number): boolean => {
      core.receive(0, data(1 + 2 * index, 0, 1_000, true))
      const isOpen = ofType(core.effects(), 'streamOpen').length > 0
      core.session.finish(1 + 2 * index, 0)
      core.effects()
      return isOpen
    }
    for (let index = 0; index < 1_024; index++) {
      expect(opened(index)).toBe(true)
    }
    for (let index = 1_024; index < 1_500; index++) {
      expect(opened(index)).toBe(false)
      core.ackAll()
    }
    expect(core.session.streamCount).toBe(1_024)
    expect(violation(core)).toBeUndefined()
    core.session.consume(1, 1_000, 0)
    expect(opened(1_500)).toBe(true)
  })

  it('cannot make us buffer more than the windows and free prefixes', () => {
    const core = new Core({ config: { streamWindow: 64 * KIB, sessionWindow: 64 * KIB, maxStreams: 8 } })
    for (let stream = 1; stream < 16; stream += 2) {
      for (let offset = 1; offset < 64 * KIB; offset += 8_000) core.receive(0, data(stream, offset, 8_000))
    }
    expect(core.session.receiveBufferedBytes).toBeLessThanOrEqual(64 * KIB + 8 * 4_096)
    expect(payloadBytes(core.sent())).toBe(0)
  })
})
