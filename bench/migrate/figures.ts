import type { Sample } from '../harness.ts'
import { longestGapMs, percentile } from '../lab/gaps.ts'
import type { Run, Switch } from './switches.ts'

export interface SwitchGap extends Switch {
  readonly gapMs: number
}

/** Every moment belongs to the switch it is nearest to: none of the transfer's gaps is left out. */
export function gapsOf({ switches, received }: Pick<Run, 'switches' | 'received'>): SwitchGap[] {
  return switches.map((one, index) => {
    const before = switches[index - 1]
    const after = switches[index + 1]
    const from = before == null ? 0 : (before.at + one.at) / 2
    const to = after == null ? Number.POSITIVE_INFINITY : (one.at + after.at) / 2
    return { ...one, gapMs: longestGapMs(received.gaps, from, to) }
  })
}

export function summary(run: Run): Sample {
  const gaps = gapsOf(run)
  const bytesLost = run.sentBytes - run.received.inOrderBytes
  const sides = (['relayed', 'direct'] as const).flatMap((to) => {
    const values = gaps.filter((gap) => gap.to === to).map(({ gapMs }) => gapMs)
    return values.length === 0 ? [] : [[to, values] as const]
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
      sides.flatMap(([to, values]) => [
        [`${to}GapMsP50`, tenths(percentile(values, 0.5))],
        [`${to}GapMsP99`, tenths(percentile(values, 0.99))]
      ])
    )
  }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
