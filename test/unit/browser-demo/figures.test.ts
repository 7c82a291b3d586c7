// What the cards count: bytes by path, round-trip times, what relays leave, bands of time.
import type { PathInfo } from 'libp2p-holdfast'
import { describe, expect, it } from 'vitest'
import { Budgets } from '../../../browser-demo/src/model/budgets.ts'
import { RTT_WINDOW_MS, RttSeries } from '../../../browser-demo/src/model/rtt-series.ts'
import {
  addBand,
  type Band,
  TIMELINE_WINDOW_MS,
  totals,
  visibleBands
} from '../../../browser-demo/src/model/timeline.ts'
import { Traffic } from '../../../browser-demo/src/model/traffic.ts'

const path = (id: string, init: Partial<PathInfo> = {}): PathInfo =>
  ({ id, kind: 'webrtc', role: 'active', sentBytes: 0, receivedBytes: 0, openedAt: 0, ...init }) as PathInfo

describe('bytes by path', () => {
  it('those of closed paths stay, in sums per kind', () => {
    const traffic = new Traffic()
    traffic.update([path('1', { sentBytes: 10 }), path('2', { sentBytes: 1, kind: 'relayed' })])
    traffic.update([path('2', { sentBytes: 2, kind: 'relayed' })])
    traffic.update([path('2', { sentBytes: 2, kind: 'relayed' }), path('3', { sentBytes: 5, receivedBytes: 7 })])
    traffic.update([])
    expect(traffic.closed).toEqual([
      { kind: 'webrtc', count: 2, sentBytes: 15, receivedBytes: 7 },
      { kind: 'relayed', count: 1, sentBytes: 2, receivedBytes: 0 }
    ])
    expect(traffic.total).toEqual({ sentBytes: 17, receivedBytes: 7 })
  })

  it('a closing path is counted with its last numbers, once', () => {
    const traffic = new Traffic()
    traffic.update([path('1', { sentBytes: 10 })])
    traffic.update([], path('1', { sentBytes: 12 }))
    traffic.update([], path('1', { sentBytes: 12 }))
    expect(traffic.total.sentBytes).toBe(12)
  })
})

describe('round-trip times', () => {
  it('the best direct and the best relayed path are shown, and gaps where there is none', () => {
    const rtt = new RttSeries()
    rtt.sample(1_000, [path('1', { rttMs: 4 }), path('2', { rttMs: 3 }), path('3', { kind: 'relayed', rttMs: 9 })])
    rtt.sample(2_000, [path('3', { kind: 'relayed' })])
    expect(rtt.columns(2_000)).toEqual({ secondsAgo: [-1, 0], directMs: [3, null], relayedMs: [9, null] })
  })

  it('what is older than the window goes', () => {
    const rtt = new RttSeries()
    rtt.sample(0, [])
    rtt.sample(RTT_WINDOW_MS + 1, [])
    expect(rtt.columns(RTT_WINDOW_MS + 1).secondsAgo).toEqual([0])
  })
})

describe('what a relay leaves', () => {
  it('is shown beside what it was at first', () => {
    const budgets = new Budgets()
    budgets.read([path('1', { budget: { remainingBytes: 1_000, remainingMs: 60_000 } })])
    const [budget] = budgets.read([path('1', { budget: { remainingBytes: 400, remainingMs: 30_000 } }), path('2')])
    expect(budget).toMatchObject({ bytes: { remaining: 400, first: 1_000 }, ms: { remaining: 30_000, first: 60_000 } })
    expect(budgets.read([path('2')])).toEqual([])
  })

  it('an unlimited side has no gauge', () => {
    const [budget] = new Budgets().read([path('1', { budget: { remainingMs: 5 } })])
    expect(budget).toMatchObject({ bytes: undefined, ms: { remaining: 5 } })
  })
})

describe('bands of the timeline', () => {
  const band = (status: Band['status'], from: number): Band => ({ status, from, cause: '' })

  it('a band begins only where the state changes', () => {
    const bands = addBand(addBand(addBand([], band('relayed', 1)), band('relayed', 2)), band('direct', 3))
    expect(bands.map(({ from }) => from)).toEqual([1, 3])
  })

  it('the last one goes on until now, older ones leave the window', () => {
    const now = TIMELINE_WINDOW_MS + 1_000
    const shown = visibleBands([band('relayed', 0), band('direct', 500), band('recovering', 1_500)], now)
    expect(shown.map(({ status, shownMs }) => [status, shownMs])).toEqual([
      ['direct', 500],
      ['recovering', now - 1_500]
    ])
  })

  it('how long each state lasted is summed', () => {
    const shown = visibleBands([band('relayed', 0), band('direct', 100), band('relayed', 300)], 1_000)
    expect(totals(shown)).toEqual([
      { status: 'relayed', ms: 800 },
      { status: 'direct', ms: 200 }
    ])
  })
})
