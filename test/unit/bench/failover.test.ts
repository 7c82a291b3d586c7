import { describe, expect, it } from 'vitest'
import { summary } from '../../../bench/failover/figures.ts'
import { judge, type Kill } from '../../../bench/failover/kill.ts'
import type { Tally } from '../../../bench/lab/probe.ts'

const tally = (of: Partial<Tally>): Tally => ({
  sentBytes: 0,
  inOrderBytes: 0,
  wrongBytes: 0,
  gaps: [],
  lastAt: 0,
  ended: undefined,
  ...of
})

describe('judge', () => {
  const base = { traffic: 'echo', sentBytes: 100, sender: tally({}), cutAt: 1_000, now: 20_000 } as const

  it('takes the longest gap after the cut, and keeps what was before apart', () => {
    const gaps = [
      { from: 100, to: 950 },
      { from: 990, to: 1_990 },
      { from: 2_400, to: 2_440 }
    ]
    const received = tally({ inOrderBytes: 100, gaps, lastAt: 9_000 })
    expect(judge({ ...base, received })).toMatchObject({ gapMs: 1_000, quietGapMs: 850, bytesLost: 0, resumed: true })
  })

  it('counts the silence of one that never resumes until somebody was told', () => {
    const received = tally({ inOrderBytes: 40, lastAt: 1_010, ended: { at: 9_000, cause: 'x' } })
    const sender = tally({ ended: { at: 8_010, cause: 'x' } })
    expect(judge({ ...base, received, sender })).toMatchObject({ gapMs: 7_000, bytesLost: 60, resumed: false })
  })

  it('counts it until we gave up where nobody was', () => {
    const received = tally({ inOrderBytes: 40, lastAt: 1_010 })
    expect(judge({ ...base, received })).toMatchObject({ gapMs: 18_990, bytesLost: 60, resumed: false })
  })
})

describe('summary', () => {
  const kill = (of: Partial<Kill>): Kill => ({
    traffic: 'echo',
    gapMs: 100,
    quietGapMs: 20,
    bytesLost: 0,
    sentBytes: 1,
    directAgainMs: 500,
    resumed: true,
    timeline: [],
    ...of
  })

  it('has each traffic by its name, and the worse of them without', () => {
    const kills = [
      kill({ gapMs: 300 }),
      kill({ gapMs: 900 }),
      kill({ gapMs: 310 }),
      kill({ traffic: 'bulk', gapMs: 350, bytesLost: 7, directAgainMs: 4_000 })
    ]
    expect(summary(kills)).toMatchObject({
      gapMsP50: 350,
      gapMsMax: 900,
      bytesLost: 7,
      directAgainMsMax: 4_000,
      echoGapMsP50: 310,
      echoGapMsMax: 900,
      echoBytesLost: 0,
      bulkGapMsP50: 350,
      bulkDirectAgainMsMax: 4_000
    })
  })

  it('claims no time for a path that never came back', () => {
    const figures = summary([kill({}), kill({ directAgainMs: undefined }), kill({ traffic: 'bulk' })])
    expect(figures).not.toHaveProperty('echoDirectAgainMsMax')
    expect(figures).not.toHaveProperty('directAgainMsMax')
    expect(figures).toHaveProperty('bulkDirectAgainMsMax', 500)
  })
})
