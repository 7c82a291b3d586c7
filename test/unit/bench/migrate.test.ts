import { describe, expect, it } from 'vitest'
import type { Tally } from '../../../bench/lab/probe.ts'
import { gapsOf, steadyGapsMs, summary } from '../../../bench/migrate/figures.ts'
import { goaway } from '../../../bench/migrate/goaway.ts'
import { type Switch, switchesOf } from '../../../bench/migrate/switches.ts'
import { encodeFrame } from '../../../src/wire/index.ts'

const switches: Switch[] = [
  { at: 1_000, to: 'relayed' },
  { at: 2_000, to: 'direct' },
  { at: 3_000, to: 'relayed' }
]

const received: Tally = {
  sentBytes: 0,
  inOrderBytes: 90,
  wrongBytes: 0,
  gaps: [
    { from: 500, to: 600 },
    { from: 990, to: 1_040 },
    { from: 1_490, to: 1_510 },
    { from: 1_900, to: 2_030 },
    { from: 3_500, to: 3_590 }
  ],
  lastAt: 4_000,
  ended: undefined
}

describe('goaway', () => {
  it('is the frame that a link says', () => {
    const [path, reason, delayMs] = [300, 1, 1_000]
    expect(goaway(path, reason, delayMs)).toEqual(
      encodeFrame({ type: 'goaway', path, reason, delayMs }).flatMap((part) => [...part])
    )
  })
})

describe('switches', () => {
  it('are changes of the kind of path, not of the path', () => {
    const seen = [
      { at: 1, what: 'relayed taken: a' },
      { at: 2, what: 'relayed: b' },
      { at: 3, what: 'relayed taken: c' },
      { at: 4, what: 'webrtc opened: d' },
      { at: 5, what: 'webrtc taken: e' }
    ]
    expect(switchesOf(seen)).toEqual([
      { at: 1, to: 'relayed' },
      { at: 5, to: 'direct' }
    ])
  })
})

describe('gaps', () => {
  it('belong to the last switch before their end', () => {
    expect(gapsOf({ switches, received }).map(({ gapMs }) => gapMs)).toEqual([50, 130, 90])
  })

  it('of a path by itself are those halfway between switches', () => {
    expect(steadyGapsMs({ switches, received }, 'relayed')).toEqual([20])
    expect(steadyGapsMs({ switches, received }, 'direct')).toEqual([0])
  })
})

describe('summary', () => {
  it('has percentiles over all switches and for each direction', () => {
    const run = { switches, received, sentBytes: 100, failedUpgrades: 0, relayRttMs: 31.26, timeline: [] }
    expect(summary(run)).toEqual({
      gapMsP50: 90,
      gapMsP99: 130,
      gapMsMax: 130,
      bytesLost: 10,
      migrations: 3,
      bytes: 100,
      relayRttMs: 31.3,
      relayedGapMsP50: 50,
      relayedGapMsP99: 90,
      relayedSteadyGapMsP50: 20,
      relayedSteadyGapMsP99: 20,
      directGapMsP50: 130,
      directGapMsP99: 130,
      directSteadyGapMsP50: 0,
      directSteadyGapMsP99: 0
    })
  })
})
