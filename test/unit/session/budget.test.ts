import { describe, expect, it } from 'vitest'
import type { ByteBudgetInit } from '../../../src/session/byte-budget.ts'
import { Core, KIB, MIB, ofType, payloadBytes } from './harness.ts'

const LIMIT = 128 * KIB
const RESERVE = 16 * KIB

const budget = (over: Partial<ByteBudgetInit> = {}): ByteBudgetInit => ({
  limitBytes: LIMIT,
  remainingBytes: LIMIT,
  renewBelowBytes: 32 * KIB,
  ...over
})

function limited(over: Partial<ByteBudgetInit> = {}): Core {
  return new Core({ path: { limited: true, budget: budget(over) } })
}

/** As the driver does: what was sent is written, and libp2p has counted it. */
function written(core: Core, remainingBytes: number): void {
  core.session.setBudget(0, remainingBytes, true, core.now)
}

describe('a path whose bytes are counted', () => {
  it('takes half of what is left beyond the reserve, and no more before that is acknowledged', () => {
    const core = limited({ remainingBytes: 32 * KIB, renewBelowBytes: 0 })
    core.open(MIB)
    const first = payloadBytes(core.sent())
    expect(first).toBeGreaterThan(7.5 * KIB)
    expect(first).toBeLessThanOrEqual(8 * KIB)
    written(core, 32 * KIB - first - 200)
    expect(core.sent()).toEqual([])
    core.ackAll()
    const second = payloadBytes(core.sent())
    expect(second).toBeGreaterThan(3 * KIB)
    expect(second).toBeLessThanOrEqual(4 * KIB)
  })

  it('sends nothing of a stream when only the reserve is left', () => {
    const core = limited({ remainingBytes: RESERVE })
    core.open(MIB)
    expect(payloadBytes(core.sent())).toBe(0)
    written(core, RESERVE + 4 * KIB)
    expect(payloadBytes(core.sent())).toBeGreaterThan(KIB)
  })

  it('answers all the same', () => {
    const core = limited({ remainingBytes: 100 })
    core.receive(0, { type: 'ping', nonce: 7 }, { type: 'maxData', max: 5 * MIB })
    expect(core.sent().filter(({ type }) => type !== 'status')).toEqual([
      { type: 'ack', path: 0, sequence: 1, delayMs: 0 },
      { type: 'pong', nonce: 7 }
    ])
  })

  it('ekes out what is left when the next path is asked for: nobody waits long for a byte', () => {
    const core = limited()
    core.open(10)
    core.ackAll()
    core.effects()
    written(core, 32 * KIB)
    core.effects()
    written(core, 32 * KIB - 1)
    core.open(MIB)
    const at: number[] = []
    let sent = payloadBytes(core.sent())
    for (let ms = 1; ms <= 500; ms++) {
      for (const effect of core.advance(ms)) if (effect.type === 'send' && effect.frame.type === 'stream') at.push(ms)
      if (at.at(-1) === ms) {
        sent += 1_200
        written(core, 32 * KIB - sent)
        core.ackAll()
        core.effects()
      }
    }
    const gaps = at.map((ms, index) => ms - (at[index - 1] ?? 0))
    expect(at.length).toBeGreaterThan(5)
    expect(Math.max(...gaps.slice(0, 5))).toBeLessThan(60)
  })

  it('leaves the rest to the next path at once', () => {
    const core = limited({ remainingBytes: 24 * KIB, renewBelowBytes: 0 })
    core.open(100 * KIB)
    const before = payloadBytes(core.sent())
    core.attach(2, { budget: budget() })
    core.session.prefer([2, 0], core.now)
    expect(payloadBytes(core.sent(2))).toBeGreaterThan(8 * KIB)
    expect(before).toBeLessThanOrEqual(4 * KIB)
  })

  it('counts an acknowledgement that came elsewhere as on its way still: it may have overtaken the data of the peer', () => {
    const core = limited({ remainingBytes: 32 * KIB, renewBelowBytes: 0 })
    core.attach(2)
    core.open(MIB)
    core.session.prefer([0, 2], core.now)
    const sent = core.counted(0) + ofType(core.sent(0), 'stream').length
    core.ack(0, sent, 2)
    core.session.prefer([0], core.now)
    expect(payloadBytes(core.sent(0))).toBe(0)
    core.receive(0, { type: 'ack', path: 0, sequence: sent, delayMs: 0 })
    expect(payloadBytes(core.sent(0))).toBeGreaterThan(0)
  })

  it('says once when it is low', () => {
    const core = limited()
    written(core, 32 * KIB)
    expect(core.events()).toEqual([])
    written(core, 32 * KIB - 1)
    expect(core.events()).toEqual([{ type: 'budgetLow', path: 0 }])
    written(core, 1)
    expect(core.events()).toEqual([])
  })

  it('that is low as it begins is low once it has carried something: an idle one is not replaced for ever', () => {
    const small = { limitBytes: 8 * KIB, remainingBytes: 3 * KIB, renewBelowBytes: 4 * KIB }
    const idle = limited(small)
    idle.session.ping(0, 0)
    expect(idle.events()).toEqual([])
    const sending = limited(small)
    sending.open(100)
    sending.effects()
    expect(sending.events()).toEqual([{ type: 'budgetLow', path: 0 }])
    const receiving = limited(small)
    receiving.receive(0, { type: 'maxData', max: MIB })
    expect(receiving.events()).toEqual([{ type: 'budgetLow', path: 0 }])
  })

  it('tells the peer what it counts at each quarter', () => {
    const core = limited()
    written(core, LIMIT * 0.8)
    expect(core.sent()).toEqual([])
    written(core, LIMIT * 0.75)
    expect(core.sent()).toEqual([{ type: 'status', usedBytes: LIMIT / 4, renew: false }])
    written(core, LIMIT * 0.6)
    expect(core.sent()).toEqual([])
    written(core, LIMIT * 0.5)
    expect(ofType(core.sent(), 'status')).toHaveLength(1)
  })

  it('believes the peer that more is used than it saw itself', () => {
    const core = limited()
    core.receive(0, { type: 'status', usedBytes: LIMIT / 4, renew: false })
    core.effects()
    core.session.askRenewal(0, 0)
    expect(ofType(core.sent(), 'status')).toMatchObject([{ usedBytes: LIMIT / 4 }])
  })

  it('but not more than half of what is left, which no honest peer has on its way', () => {
    const core = limited()
    for (let times = 0; times < 5; times++) core.receive(0, { type: 'status', usedBytes: 2 ** 40, renew: false })
    expect(core.events()).toEqual([])
    core.open(MIB)
    expect(payloadBytes(core.sent())).toBeGreaterThan(12 * KIB)
  })

  it('passes on that the peer asks for another path, and asks', () => {
    const core = limited()
    core.receive(0, { type: 'status', renew: true })
    expect(core.events()).toEqual([{ type: 'renewAsked', path: 0 }])
    core.session.askRenewal(0, 0)
    expect(core.sent()).toEqual([{ type: 'status', usedBytes: 0, renew: true }])
  })

  it('of a small limit keeps a quarter back', () => {
    const core = limited({ limitBytes: 16 * KIB, remainingBytes: 16 * KIB, renewBelowBytes: 8 * KIB })
    core.open(MIB)
    expect(payloadBytes(core.sent())).toBeGreaterThan(5.5 * KIB)
  })
})
