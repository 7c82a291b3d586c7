import type { Sample } from '../harness.ts'
import { percentile } from '../lab/gaps.ts'
import type { Kill, Traffic } from './kill.ts'

const tenths = (value: number): number => Math.round(value * 10) / 10

function figuresOf(kills: readonly Kill[]): Record<string, number> {
  const gaps = kills.map(({ gapMs }) => gapMs)
  const direct = kills.map(({ directAgainMs }) => directAgainMs)
  return {
    gapMsP50: tenths(percentile(gaps, 0.5)),
    gapMsMax: tenths(Math.max(...gaps)),
    bytesLost: kills.reduce((sum, kill) => sum + kill.bytesLost, 0),
    // One that never was again leaves no number to be proud of.
    ...(direct.some((ms) => ms == null) ? {} : { directAgainMsMax: Math.max(...(direct as number[])) }),
    quietGapMsP50: tenths(
      percentile(
        kills.map(({ quietGapMs }) => quietGapMs),
        0.5
      )
    )
  }
}

/** Of each traffic under its own name, and the worse of them (bytes: their sum) without one. */
export function summary(kills: readonly Kill[]): Sample {
  const kinds = (['echo', 'bulk'] satisfies Traffic[]).flatMap((traffic) => {
    const ofKind = kills.filter((kill) => kill.traffic === traffic)
    return ofKind.length === 0 ? [] : [{ traffic, figures: figuresOf(ofKind) }]
  })
  const together = (name: string, of: (...values: number[]) => number): Record<string, number> => {
    const values = kinds.flatMap(({ figures }) => figures[name] ?? [])
    return values.length === kinds.length && values.length > 0 ? { [name]: of(...values) } : {}
  }
  return {
    ...together('gapMsP50', Math.max),
    ...together('gapMsMax', Math.max),
    ...together('bytesLost', (...values) => values.reduce((sum, value) => sum + value, 0)),
    ...together('directAgainMsMax', Math.max),
    ...Object.fromEntries(
      kinds.flatMap(({ traffic, figures }) =>
        Object.entries(figures).map(([name, value]) => [
          `${traffic}${name.charAt(0).toUpperCase()}${name.slice(1)}`,
          value
        ])
      )
    )
  }
}
