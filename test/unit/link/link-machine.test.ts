import { describe, expect, it } from 'vitest'
import { LinkMachine } from '../../../src/link/link.step.ts'
import type { LinkEffect } from '../../../src/link/link-events.ts'
import { Bench, DIRECT, RELAYED, types } from './bench.ts'

/** Of what is found dead: 50 ms and the round trip of these stats. */
const SECOND_LOOK_MS = 70

const order = (effects: LinkEffect[]): readonly number[] | undefined =>
  effects.flatMap((effect) => (effect.type === 'prefer' ? [effect.order] : [])).at(-1)

describe('the link machine', () => {
  it('is relayed with its first path, and looks for a direct one once that has answered', () => {
    const bench = new Bench()
    expect(types(bench.attach(RELAYED))).not.toContain('upgrade')
    expect(bench.machine.state).toMatchObject({ status: 'relayed', upgrade: { status: 'idle' } })
    expect(types(bench.step({ type: 'pong', path: RELAYED, rttMs: 5 }))).toContain('upgrade')
    expect(bench.machine.state).toMatchObject({ status: 'relayed', upgrade: { status: 'trying', attempt: 1 } })
  })

  it('leaves the search to the side that opened the path', () => {
    const bench = new Bench()
    bench.attach(RELAYED, { opener: 1 })
    expect(types(bench.step({ type: 'pong', path: RELAYED, rttMs: 5 }))).not.toContain('upgrade')
    expect(types(bench.step({ type: 'upgradeRequested' }))).toContain('upgrade')
  })

  it('never looks by itself when the policy forbids it; when it is asked, the policy has changed', () => {
    const bench = new Bench('policy')
    bench.attach(RELAYED)
    expect(types(bench.step({ type: 'pong', path: RELAYED, rttMs: 5 }))).not.toContain('upgrade')
    expect(types(bench.step({ type: 'networkChanged' }))).not.toContain('upgrade')
    expect(types(bench.step({ type: 'upgradeRequested' }))).toContain('upgrade')
  })

  it('gives a path up that does not answer one probe after a network change, and only such a one', () => {
    const bench = new Bench()
    bench.direct()
    bench.now += 1
    expect(types(bench.step({ type: 'networkChanged' })).filter((type) => type === 'probe')).toHaveLength(2)
    bench.now += 1
    bench.heard(RELAYED)
    bench.now += 2_998
    expect(types(bench.step({ type: 'tick' }))).not.toContain('abandon')
    bench.now += 1
    bench.step({ type: 'tick' })
    bench.now += SECOND_LOOK_MS
    const effects = bench.step({ type: 'tick' })
    expect(effects.filter(({ type }) => type === 'abandon')).toEqual([
      expect.objectContaining({ path: DIRECT, cause: 'no answer since the network changed' })
    ])
    expect(bench.machine.state.status).toBe('relayed')
  })

  it('gives up every path when the page is put aside, and dials nobody before it is back', () => {
    const bench = new Bench()
    bench.direct()
    const effects = types(bench.step({ type: 'suspended' }))
    expect(effects.filter((type) => type === 'abandon')).toHaveLength(2)
    expect(effects).not.toContain('redial')
    expect(bench.machine.state.status).toBe('recovering')
    bench.stats.clear()
    bench.now += 30_000
    expect(types(bench.step({ type: 'tick' }))).not.toContain('redial')
    expect(types(bench.step({ type: 'resumed' }))).toContain('redial')
  })

  it('expires a link whose page stays away for longer than the resume window', () => {
    const bench = new Bench()
    bench.direct()
    bench.step({ type: 'suspended' })
    bench.stats.clear()
    bench.now += 60_000
    expect(types(bench.step({ type: 'resumed' }))).toContain('expired')
  })

  it('migrates to a direct path only after our own probe was echoed on it', () => {
    const bench = new Bench()
    bench.attach(RELAYED)
    expect(order(bench.attach(DIRECT))).toEqual([RELAYED, DIRECT])
    expect(bench.machine.state.status).toBe('relayed')
    expect(order(bench.step({ type: 'pong', path: DIRECT, rttMs: 5 }))).toEqual([DIRECT, RELAYED])
    expect(bench.machine.state).toEqual({ status: 'direct', standby: 'hot' })
  })

  it('sends over the relay while the direct path is suspect, and comes back when it answers', () => {
    const bench = new Bench()
    bench.direct()
    bench.step({ type: 'suspect', path: DIRECT })
    expect(bench.machine.state.status).toBe('relayed')
    bench.step({ type: 'restored', path: DIRECT })
    expect(bench.machine.state.status).toBe('direct')
  })

  it('looks for another direct path beside a suspect one only when it is asked to', () => {
    const bench = new Bench()
    bench.direct()
    expect(types(bench.step({ type: 'upgradeRequested' }))).not.toContain('upgrade')
    expect(types(bench.step({ type: 'suspect', path: DIRECT }))).not.toContain('upgrade')
    expect(types(bench.step({ type: 'upgradeRequested' }))).toContain('upgrade')
  })

  it('abandons a silent path 2 s after our oldest unanswered frame if the peer is heard elsewhere, and tries again at once', () => {
    const bench = new Bench()
    bench.direct()
    const cutAt = bench.now
    bench.silentSince(DIRECT, cutAt)
    bench.now = cutAt + 1_999
    bench.heard(RELAYED)
    expect(types(bench.step({ type: 'tick' }))).not.toContain('abandon')
    bench.now = cutAt + 2_000
    bench.heard(RELAYED)
    expect(types(bench.step({ type: 'tick' }))).not.toContain('abandon')
    bench.now += SECOND_LOOK_MS
    const effects = bench.step({ type: 'tick' })
    expect(types(effects)).toEqual(expect.arrayContaining(['abandon', 'upgrade']))
    expect(bench.machine.state.status).toBe('relayed')
  })

  it('gives a path that is heard just behind another one no less time, after a pause of the peer', () => {
    const bench = new Bench()
    bench.direct()
    bench.silentSince(DIRECT, bench.now)
    bench.silentSince(RELAYED, bench.now)
    bench.now += 2_500
    bench.heard(RELAYED)
    expect(types(bench.step({ type: 'pong', path: RELAYED, rttMs: 5 }))).not.toContain('abandon')
    expect(bench.machine.wakeAt).toBeLessThanOrEqual(bench.now + SECOND_LOOK_MS)
    bench.now += SECOND_LOOK_MS
    bench.heard(DIRECT)
    expect(types(bench.step({ type: 'tick' }))).not.toContain('abandon')
    bench.silentSince(DIRECT, bench.now)
    bench.now += 2_000
    bench.heard(RELAYED)
    expect(types(bench.step({ type: 'tick' }))).not.toContain('abandon')
  })

  it('does not abandon a path whose silence is not contradicted by another', () => {
    const bench = new Bench()
    bench.attach(RELAYED)
    bench.silentSince(RELAYED, bench.now)
    bench.now += 2_900
    expect(types(bench.step({ type: 'tick' }))).not.toContain('abandon')
  })

  it('is recovering within 3 s of silence on all paths, keeps their carriers until 15 s, and redials meanwhile', () => {
    const bench = new Bench()
    bench.attach(RELAYED)
    const cutAt = bench.now
    bench.silentSince(RELAYED, cutAt)
    bench.now = cutAt + 2_799
    bench.step({ type: 'tick' })
    expect(bench.machine.state.status).toBe('relayed')
    expect(bench.machine.wakeAt).toBe(cutAt + 2_800)
    bench.now = cutAt + 2_800
    const effects = bench.step({ type: 'tick' })
    expect(types(effects)).toContain('redial')
    expect(types(effects)).not.toContain('abandon')
    expect(bench.machine.state).toMatchObject({ status: 'recovering', since: cutAt })
    bench.now = cutAt + 15_000
    expect(types(bench.step({ type: 'tick' }))).toContain('abandon')
  })

  it('counts that silence from the path that fell silent first, and gives the standby a second to answer', () => {
    const bench = new Bench()
    bench.direct()
    const cutAt = bench.now
    bench.silentSince(DIRECT, cutAt)
    bench.heard(RELAYED, { lastHeardAt: cutAt - 2_000 })
    bench.now = cutAt + 2_800
    bench.step({ type: 'tick' })
    expect(bench.machine.state.status, 'nobody has asked the standby').toBe('direct')
    bench.heard(RELAYED, { lastHeardAt: cutAt - 2_000, unansweredSince: cutAt + 2_000 })
    bench.step({ type: 'tick' })
    expect(bench.machine.wakeAt).toBe(cutAt + 3_000)
    bench.heard(RELAYED, { lastHeardAt: cutAt - 2_000, unansweredSince: cutAt + 400 })
    bench.step({ type: 'tick' })
    expect(bench.machine.state).toMatchObject({ status: 'recovering', since: cutAt })
  })

  it('looks at an idle link often enough to see an outage in time that begins with the next message', () => {
    const bench = new Bench()
    bench.direct()
    bench.step({ type: 'tick' })
    expect(bench.machine.wakeAt! - bench.now).toBeLessThan(2_800)
  })

  it('is what it was when the silent path speaks again', () => {
    const bench = new Bench()
    bench.attach(RELAYED)
    bench.silentSince(RELAYED, bench.now)
    bench.now += 3_000
    bench.step({ type: 'tick' })
    bench.heard(RELAYED)
    bench.step({ type: 'restored', path: RELAYED })
    expect(bench.machine.state.status).toBe('relayed')
  })

  it('does not let unanswered heartbeats demote an idle path before three of them', () => {
    const bench = new Bench('policy')
    bench.attach(RELAYED)
    bench.step({ type: 'pong', path: RELAYED, rttMs: 5 })
    bench.heard(RELAYED)
    const seen: string[] = []
    for (let second = 1; second <= 15; second++) {
      bench.now += 1_000
      seen.push(...types(bench.step({ type: 'tick' })).filter((type) => type === 'probe' || type === 'abandon'))
    }
    expect(seen).toEqual(['probe', 'probe', 'probe', 'abandon'])
  })

  it('counts no silence that its own timers slept through', () => {
    const bench = new Bench()
    bench.direct()
    bench.silentSince(DIRECT, bench.now)
    bench.now += 30_000
    bench.heard(RELAYED)
    const effects = bench.step({ type: 'gap', lateMs: 30_000 })
    expect(types(effects)).not.toContain('abandon')
    expect(types(effects).filter((type) => type === 'probe')).toHaveLength(2)
  })

  it('takes timers held up while messages came in for those of a hidden page, not for sleep', () => {
    const bench = new Bench()
    bench.direct()
    bench.now += 57_000
    bench.heard(RELAYED)
    bench.heard(DIRECT)
    bench.now += 3_000
    expect(types(bench.step({ type: 'gap', lateMs: 55_000 }))).not.toContain('probe')
  })

  it('expires when the resume window ends without a path, not before', () => {
    const bench = new Bench()
    bench.attach(RELAYED)
    bench.stats.clear()
    bench.step({ type: 'detached', path: RELAYED, cause: 'cut' })
    expect(bench.machine.state.status).toBe('recovering')
    bench.now += 59_999
    expect(types(bench.step({ type: 'tick' }))).not.toContain('expired')
    bench.now += 1
    expect(types(bench.step({ type: 'tick' }))).toContain('expired')
  })

  it('waits a second before it redials when the other side had opened the path, so that both do not meet halfway', () => {
    const bench = new Bench()
    bench.attach(RELAYED, { opener: 1 })
    bench.stats.clear()
    expect(types(bench.step({ type: 'detached', path: RELAYED, cause: 'cut' }))).not.toContain('redial')
    bench.now += 1_000
    expect(types(bench.step({ type: 'tick' }))).toContain('redial')
  })

  const withTwoRelayedPaths = (): LinkMachine => {
    const machine = new LinkMachine({
      side: 1,
      config: { resumeWindowMs: 60_000, upgradeTimeoutMs: 10_000, heartbeatIntervalMs: 5_000 },
      neverUpgrade: 'policy',
      random: () => 0.5
    })
    machine.step({ type: 'attached', path: 0, kind: 'relayed', opener: 0, ample: true }, [], 0)
    machine.step({ type: 'attached', path: 1, kind: 'relayed', opener: 1, ample: true }, [], 0)
    return machine
  }

  it('leaves none of two relayed paths right after a stall of its own: the end of the other may not have been told yet', () => {
    const machine = withTwoRelayedPaths()
    expect(types(machine.step({ type: 'gap', lateMs: 8_000 }, [], 9_000))).not.toContain('leave')
    expect(types(machine.step({ type: 'detached', path: 0, cause: 'cut' }, [], 9_000))).not.toContain('leave')
    expect(types(machine.step({ type: 'tick' }, [], 12_000))).not.toContain('leave')
    expect(machine.state.status).toBe('relayed')
  })

  it('leaves its own relayed path when side 0 opened another, after a grace time', () => {
    const machine = withTwoRelayedPaths()
    expect(types(machine.step({ type: 'tick' }, [], 1_999))).not.toContain('leave')
    expect(machine.step({ type: 'tick' }, [], 2_000)).toContainEqual(
      expect.objectContaining({ type: 'leave', path: 1 })
    )
  })

  it('gives up a path that the peer has given up, and tries for a direct one again at once', () => {
    const bench = new Bench()
    bench.direct()
    const effects = bench.step({ type: 'goaway', path: DIRECT, gone: true })
    expect(types(effects)).toEqual(expect.arrayContaining(['abandon', 'upgrade']))
    expect(bench.machine.state.status).toBe('relayed')
  })

  it('moves off a path that the peer is about to leave, and keeps it until then', () => {
    const bench = new Bench()
    bench.direct()
    const effects = bench.step({ type: 'goaway', path: DIRECT, gone: false })
    expect(order(effects)).toEqual([RELAYED, DIRECT])
    expect(types(effects)).not.toContain('abandon')
  })

  it('opens a cold standby when the only path is suspect', () => {
    const bench = new Bench()
    bench.direct()
    bench.stats.delete(RELAYED)
    bench.step({ type: 'detached', path: RELAYED, cause: 'limit' })
    bench.step({ type: 'redialFailed', cause: 'later' })
    const effects = bench.step({ type: 'suspect', path: DIRECT })
    bench.now += 1_000
    expect([...types(effects), ...types(bench.step({ type: 'tick' }))]).toContain('redial')
  })

  it('gives up the dial for a path that was only suspect, when that answers again', () => {
    const bench = new Bench()
    bench.attach(RELAYED)
    expect(types(bench.step({ type: 'suspect', path: RELAYED }))).toContain('redial')
    expect(types(bench.step({ type: 'restored', path: RELAYED }))).toContain('redialOver')
    expect(types(bench.step({ type: 'tick' }))).not.toContain('redialOver')
    expect(types(bench.step({ type: 'suspect', path: RELAYED }))).toContain('redial')
  })

  it('looks for no better path and no standby while it closes', () => {
    const bench = new Bench()
    bench.attach(RELAYED)
    bench.step({ type: 'closing' })
    expect(types(bench.step({ type: 'pong', path: RELAYED, rttMs: 5 }))).not.toContain('upgrade')
    const other = new Bench()
    other.direct()
    other.step({ type: 'closing' })
    expect(types(other.step({ type: 'detached', path: RELAYED, cause: 'test' }))).not.toContain('redial')
  })

  it('does nothing any more once it is closed', () => {
    const bench = new Bench()
    bench.attach(RELAYED)
    bench.step({ type: 'closed', cause: 'test' })
    expect(bench.attach(DIRECT)).toEqual([])
    expect(bench.machine.wakeAt).toBeUndefined()
  })
})
