import { describe, expect, it } from 'vitest'
import type { LinkEffect } from '../../../src/link/link-events.ts'
import { Bench, types } from './bench.ts'

const FIRST = 0
const SECOND = 4
const DIRECT = 2
/** Of 2 minutes. */
const TWO_MINUTES = { cheap: true, renewAt: 97_000 }
const SHORT = { cheap: false, renewAt: 6_000 }

const causes = (effects: LinkEffect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'leave' ? [`${effect.path}: ${effect.cause}`] : []))

/** Relayed over a limited circuit that this side opened, unless told otherwise. */
function relayed(over: Partial<Parameters<Bench['attach']>[1]> = {}): Bench {
  const bench = new Bench('this test stays relayed')
  bench.attach(FIRST, { kind: 'relayed', ample: false, circuit: TWO_MINUTES, ...over })
  bench.pong(FIRST)
  return bench
}

function replace(bench: Bench): LinkEffect[] {
  return [...bench.attach(SECOND, { kind: 'relayed', ample: false, circuit: TWO_MINUTES }), ...bench.pong(SECOND)]
}

describe('a relayed path whose limits come near', () => {
  it('is replaced by whoever opened it, once', () => {
    const bench = relayed()
    expect(types(bench.low(FIRST))).toContain('renew')
    expect(types(bench.step({ type: 'tick' }))).not.toContain('renew')
    expect(bench.machine.state.status).toBe('relayed')
  })

  it('is replaced when little time is left, and the machine wakes for that', () => {
    const bench = relayed()
    expect(types(bench.step({ type: 'tick' }))).not.toContain('renew')
    bench.now = TWO_MINUTES.renewAt - 1
    bench.heard(FIRST)
    expect(types(bench.step({ type: 'tick' }))).not.toContain('renew')
    expect(bench.machine.wakeAt).toBeLessThanOrEqual(TWO_MINUTES.renewAt)
    bench.now = TWO_MINUTES.renewAt
    bench.heard(FIRST)
    expect(types(bench.step({ type: 'tick' }))).toContain('renew')
  })

  it('is replaced though it had little to give from the beginning', () => {
    const bench = new Bench('this test stays relayed')
    bench.heard(FIRST, { low: true })
    expect(
      types(
        bench.step({ type: 'attached', path: FIRST, kind: 'relayed', opener: 0, ample: false, circuit: TWO_MINUTES })
      )
    ).toContain('renew')
  })

  it('is used until the next one is there, and left when that has answered', () => {
    const bench = relayed()
    bench.low(FIRST)
    const attached = bench.attach(SECOND, { kind: 'relayed', ample: false, circuit: TWO_MINUTES })
    expect(bench.machine.selected).toBe(SECOND)
    expect(causes(attached)).toEqual([])
    expect(causes(bench.pong(SECOND))).toEqual([`${FIRST}: a new path replaced it`])
    expect(types(bench.step({ type: 'tick' }))).not.toContain('leave')
  })

  it('is replaced again and again', () => {
    const bench = relayed()
    for (let path = SECOND; path < 40; path += 2) {
      expect(types(bench.low(path === SECOND ? FIRST : path - 2))).toContain('renew')
      bench.attach(path, { kind: 'relayed', ample: false, circuit: TWO_MINUTES })
      bench.pong(path)
      bench.detach(path === SECOND ? FIRST : path - 2)
    }
  })

  it('is not left by the side that did not open it, which asks for the next one, once', () => {
    const bench = relayed({ opener: 1 })
    const effects = bench.low(FIRST)
    expect(types(effects)).toContain('askRenewal')
    expect(types(effects)).not.toContain('renew')
    expect(types(bench.step({ type: 'tick' }))).not.toContain('askRenewal')
    bench.attach(SECOND, { kind: 'relayed', ample: false, circuit: TWO_MINUTES, opener: 1 })
    expect(types(bench.pong(SECOND))).not.toContain('leave')
    expect(bench.machine.selected).toBe(SECOND)
  })

  it('is replaced when the peer asks, but not more often than each second', () => {
    const bench = relayed()
    expect(types(bench.step({ type: 'renewAsked', path: FIRST }))).not.toContain('renew')
    bench.now += 999
    bench.heard(FIRST)
    expect(types(bench.step({ type: 'tick' }))).not.toContain('renew')
    bench.now += 1
    expect(types(bench.step({ type: 'tick' }))).toContain('renew')
  })

  it('is not replaced for a peer that asks about a path of its own', () => {
    const bench = relayed({ opener: 1 })
    bench.step({ type: 'renewAsked', path: FIRST })
    bench.now += 5_000
    bench.heard(FIRST)
    const effects = bench.step({ type: 'tick' })
    expect(types(effects)).not.toContain('renew')
    expect(types(effects)).not.toContain('askRenewal')
  })

  it('is tried again after a pause when the relay refuses, and longer ones after that', () => {
    const bench = relayed()
    bench.low(FIRST)
    const pauses: number[] = []
    for (let failures = 0; failures < 4; failures++) {
      const failedAt = bench.now
      expect(types(bench.step({ type: 'renewFailed', cause: 'refused' }))).not.toContain('renew')
      while (!types(bench.step({ type: 'tick' })).includes('renew')) {
        bench.now += 10
        bench.heard(FIRST)
        if (bench.now > failedAt + 60_000) throw new Error('never tried again')
      }
      pauses.push(bench.now - failedAt)
    }
    expect(pauses).toEqual([250, 500, 1_000, 2_000])
  })

  it('waits while the link has as many paths as there may be', () => {
    const bench = relayed()
    for (const path of [6, 8, 10]) bench.attach(path, { kind: 'webrtc' })
    expect(types(bench.low(FIRST))).not.toContain('renew')
    expect(types(bench.detach(10))).toContain('renew')
  })

  it('is replaced while the link is being closed: what is flushed may need the next one', () => {
    const closing = relayed()
    closing.step({ type: 'closing' })
    expect(types(closing.low(FIRST))).toContain('renew')
  })

  it('is not replaced by a link that was put aside', () => {
    const aside = relayed()
    aside.step({ type: 'suspended' })
    expect(types(aside.low(FIRST))).not.toContain('renew')
  })

  it('does not carry the signalling of a direct path when the next one will', () => {
    const bench = new Bench()
    bench.attach(FIRST, { kind: 'relayed', ample: false, circuit: TWO_MINUTES })
    bench.low(FIRST)
    expect(types(bench.pong(FIRST))).not.toContain('upgrade')
    expect(types(replace(bench))).toContain('upgrade')
  })

  it('carries it all the same where the relay refuses another one', () => {
    const bench = new Bench()
    bench.attach(FIRST, { kind: 'relayed', ample: false, circuit: TWO_MINUTES })
    bench.low(FIRST)
    bench.pong(FIRST)
    expect(types(bench.step({ type: 'renewFailed', cause: 'refused' }))).toContain('upgrade')
  })
})

describe('a standby over a limited relay', () => {
  function direct(circuit: { cheap: boolean; renewAt: number }, over: object = {}): Bench {
    const bench = new Bench()
    bench.attach(FIRST, { kind: 'relayed', ample: false, circuit, ...over })
    bench.pong(FIRST)
    bench.attach(DIRECT)
    bench.pong(DIRECT)
    return bench
  }

  function until(bench: Bench, at: number, busyAt?: number): LinkEffect[] {
    bench.now = at
    const activeAt = busyAt ?? 1_000
    for (const path of [...bench.stats.keys()]) bench.heard(path, { activeAt })
    return bench.step({ type: 'tick' })
  }

  it('is kept while the application talks, and given up 30 s after that: cold', () => {
    const bench = direct(TWO_MINUTES)
    expect(bench.machine.state).toEqual({ status: 'direct', standby: 'hot' })
    expect(causes(until(bench, 40_000, 20_000))).toEqual([])
    expect(causes(until(bench, 49_999, 20_000))).toEqual([])
    expect(causes(until(bench, 50_000, 20_000))).toEqual([
      `${FIRST}: not worth its relay limits while the direct path works`
    ])
    bench.detach(FIRST)
    expect(bench.machine.state).toEqual({ status: 'direct', standby: 'cold' })
  })

  it('is replaced in time while the application talks', () => {
    const bench = direct(TWO_MINUTES)
    expect(types(until(bench, TWO_MINUTES.renewAt, TWO_MINUTES.renewAt - 1))).toContain('renew')
  })

  it('is given up soon where circuits are short, however much is said', () => {
    const bench = direct(SHORT)
    expect(causes(until(bench, 5_999, 5_998))).toEqual([])
    expect(causes(until(bench, 6_000, 5_999))).toHaveLength(1)
  })

  it('is given up soon though short circuits follow each other sooner', () => {
    const bench = direct(SHORT)
    until(bench, 5_500, 5_499)
    bench.attach(SECOND, { kind: 'relayed', ample: false, circuit: { cheap: false, renewAt: 10_500 } })
    expect(causes(bench.pong(SECOND))).toEqual([`${FIRST}: a new path replaced it`])
    expect(causes(until(bench, 6_000, 5_999))).toEqual([
      `${SECOND}: not worth its relay limits while the direct path works`
    ])
  })

  it('is kept for a while when the direct path was suspect', () => {
    const bench = direct(SHORT)
    until(bench, 3_000)
    bench.step({ type: 'suspect', path: DIRECT })
    bench.step({ type: 'restored', path: DIRECT })
    expect(causes(until(bench, 7_999))).toEqual([])
    expect(causes(until(bench, 8_000))).toHaveLength(1)
  })

  it('is left to the side that opened it', () => {
    expect(causes(until(direct(TWO_MINUTES, { opener: 1 }), 100_000))).toEqual([])
  })

  it('is dialled again when the application talks for a while, not for a word', () => {
    const bench = direct(TWO_MINUTES)
    until(bench, 50_000, 20_000)
    bench.detach(FIRST)
    expect(types(until(bench, 100_000, 100_000))).not.toContain('redial')
    expect(types(until(bench, 104_999, 104_999))).not.toContain('redial')
    expect(types(until(bench, 105_000, 105_000))).toContain('redial')
  })

  it('is dialled as soon as the direct path is suspect', () => {
    const bench = direct(TWO_MINUTES)
    until(bench, 50_000, 20_000)
    bench.detach(FIRST)
    expect(types(bench.step({ type: 'suspect', path: DIRECT }))).toContain('redial')
  })

  it('that is as good as unlimited is kept', () => {
    const bench = direct(TWO_MINUTES, { ample: true })
    expect(causes(until(bench, 90_000, 20_000))).toEqual([])
  })
})
