import { describe, expect, it } from 'vitest'
import { order, type PathView } from '../../../src/link/preference.step.ts'

function path(id: number, over: Partial<PathView> = {}): PathView {
  const probes = { unanswered: 0, lastAt: undefined, urgent: false }
  const base = {
    kind: 'webrtc',
    opener: 0,
    ample: true,
    attachedAt: 0,
    proven: true,
    suspect: false,
    leaving: false,
    rttMs: 50,
    probes
  }
  return { id, ...base, ...over } as PathView
}

const ids = (paths: PathView[], current?: number): number[] => order(paths, current).map(({ id }) => id)

describe('path preference', () => {
  it('puts a proven direct path before a relayed one, and that before an unproven direct one', () => {
    expect(ids([path(1, { proven: false }), path(2, { kind: 'relayed' }), path(3)])).toEqual([3, 2, 1])
  })

  it('puts a path that is being left last, whatever it is', () => {
    expect(ids([path(1, { leaving: true }), path(2, { kind: 'relayed' })])).toEqual([2, 1])
  })

  it('keeps a suspect direct path in its place: the session sends past it', () => {
    expect(ids([path(1, { suspect: true }), path(2, { kind: 'relayed' })])).toEqual([1, 2])
  })

  it('prefers the relayed path that side 0 opened, on both sides', () => {
    const paths = [
      path(3, { kind: 'relayed', opener: 1, rttMs: 1 }),
      path(4, { kind: 'relayed', opener: 0, rttMs: 90 })
    ]
    expect(ids(paths)).toEqual([4, 3])
    expect(ids(paths, 3)).toEqual([4, 3])
  })

  // Both directions of each threshold: 5 ms and 20 %.
  const cases: Array<[heldMs: number, challengerMs: number, moves: boolean, why: string]> = [
    [50, 40, true, '10 ms and 20 % faster'],
    [50, 41, false, 'only 18 % faster'],
    [10, 5, true, '5 ms and 50 % faster'],
    [10, 6, false, 'only 4 ms faster'],
    [5, 1, false, 'only 4 ms faster, though 80 %'],
    [100, 120, false, 'slower']
  ]
  for (const [heldMs, challengerMs, moves, why] of cases) {
    it(`${moves ? 'moves' : 'does not move'} from ${heldMs} ms to ${challengerMs} ms: ${why}`, () => {
      expect(ids([path(1, { rttMs: heldMs }), path(2, { rttMs: challengerMs })], 1)[0]).toBe(moves ? 2 : 1)
    })
  }

  it('does not move to a direct path whose round-trip time is unknown', () => {
    expect(ids([path(1), path(2, { rttMs: undefined })], 1)[0]).toBe(1)
  })
})
