import type { Sample } from '../harness.ts'
import { percentile } from '../lab/gaps.ts'
import type { Run, Switch } from './switches.ts'

export interface SwitchGap extends Switch {
  readonly gapMs: number
}

/** A gap belongs to the last switch before its end: each to one, and none is left out. */
export function gapsOf({ switches, received }: Pick<Run, 'switches' | 'received'>): SwitchGap[] {
  return switches.map((one, index) => {
    const until = switches[index + 1]?.at ?? Number.POSITIVE_INFINITY
    const mine = received.gaps.filter(({ to }) => to > one.at && to <= until)
    return { ...one, gapMs: Math.max(0, ...mine.map(({ from, to }) => to - from)) }
  })
}

/** What the path does by itself: the gap around the moment halfway to the next switch, 0 if there was none of 5 ms. */
export function steadyGapsMs({ switches, received }: Pick<Run, 'switches' | 'received'>, on: Switch['to']): number[] {
  return switches.slice(0, -1).flatMap((one, index) => {
    if (one.to !== on) return []
    const at = (one.at + switches[index + 1]!.at) / 2
    const gap = received.gaps.find(({ from, to }) => from <= at && to >= at)
    return gap == null ? 0 : gap.to - gap.from
  })
}

export function summary(run: Run): Sample {
  const gaps = gapsOf(run)
  const bytesLost = run.sentBytes - run.received.inOrderBytes
  const sides = (['relayed', 'direct'] as const).flatMap((to) => {
    const values = gaps.filter((gap) => gap.to === to).map(({ gapMs }) => gapMs)
    const steady = steadyGapsMs(run, to)
    return [
      ...(values.length === 0 ? [] : [[`${to}Gap`, values] as const]),
      ...(steady.length === 0 ? [] : [[`${to}SteadyGap`, steady] as const])
    ]
  })
  const all = gaps.map(({ gapMs }) => gapMs)
  return {
    gapMsP50: tenths(percentile(all, 0.5)),
    gapMsP99: tenths(percentile(all, 0.99)),
    gapMsMax: tenths(Math.max(...all)),
    bytesLost,
    migrations: gaps.length,
    bytes: run.sentBytes,
    relayRttMs: tenths(run.relayRttMs),
    ...Object.fromEntries(
      sides.flatMap(([name, values]) => [
        [`${name}MsP50`, tenths(percentile(values, 0.5))],
        [`${name}MsP99`, tenths(percentile(values, 0.99))]
      ])
    )
  }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
