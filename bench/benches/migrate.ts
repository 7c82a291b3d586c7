// How long nothing is delivered when a transfer is moved from one path to the other on purpose.
import { whyNoLab } from '../../test/natlab/index.ts'
import { endPeers } from '../../test/natlab/peers/index.ts'
import { type Bench, machine } from '../harness.ts'
import { createPlace, LINE_BITS_PER_SECOND, pairOf, RTT_MS } from '../lab/place.ts'
import { gapsOf, summary } from '../migrate/figures.ts'
import { migrateBackAndForth } from '../migrate/switches.ts'

/** A short run; the full one is `--migrations 1000 --bytes 1e9`. */
const MIGRATIONS = 100
const BYTES = 100_000_000
const MARGIN_MS = 20

export const migrate: Bench = {
  title: 'a transfer sent from the relay to the direct path and back, on purpose: the gap of each switch',
  isolated: false,
  inLab: true,
  async run({
    migrations = MIGRATIONS,
    bytes = BYTES,
    rttMs = RTT_MS,
    lineBitsPerSecond,
    congestion,
    pair,
    trace,
    log
  }) {
    const why = await whyNoLab()
    if (why != null) throw new Error(why)
    const kinds = pairOf(pair)
    const place = await createPlace({ rttMs, lineBitsPerSecond: lineBitsPerSecond ?? LINE_BITS_PER_SECOND, congestion })
    try {
      const run = await migrateBackAndForth({ place, kinds, migrations, bytes, log })
      const gaps = gapsOf(run)
      if (trace) {
        for (const line of run.timeline) log(line)
        for (const { to, gapMs } of gaps) log(`to ${to}: ${Math.round(gapMs)} ms`)
      }
      const ours = summary(run)
      const over = gaps.filter(({ gapMs }) => gapMs > rttMs + MARGIN_MS).length
      return {
        result: { name: 'migrate', ours, stock: {}, rivals: {}, runs: 1, machine: machine(), options: { rttMs } },
        samples: { ours: [ours], stock: [] },
        caption: `${kinds.join('–')}; one transfer; stock cannot switch`,
        notes: [
          `${over} of ${gaps.length} gaps were above ${rttMs + MARGIN_MS} ms, the relay's round trip and ${MARGIN_MS} ms`,
          ...(run.failedUpgrades > 0
            ? [`${run.failedUpgrades} attempts at a direct path failed and were made again`]
            : [])
        ]
      }
    } finally {
      await endPeers(...place.hosts)
      await place.close()
    }
  }
}
