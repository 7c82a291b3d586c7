// What a link costs while nobody says anything.
import { whyNoLab } from '../../test/natlab/index.ts'
import { type Bench, type BenchOptions, machine, type Outcome, type Sample } from '../harness.ts'
import { cases, type Measured, type Setting, type Subject, set, standingOf } from '../idle/cases.ts'
import { type Capture, capture, type Kind } from '../idle/packets.ts'
import { pause, RTT_MS } from '../lab/place.ts'

const SECONDS = 300
/** A standby that is given up 30 s after traffic ended is gone by then. */
const SETTLE_SECONDS = 60

export const idle: Bench = {
  title: 'bytes per second at one peer while nobody says anything, beside what its reservation costs',
  isolated: false,
  inLab: true,
  async run(options) {
    const why = await whyNoLab()
    if (why != null) throw new Error(why)
    const wanted = cases.filter(({ who }) => who === 'ours' || options.runsStock !== 0)
    const setting = await set(options.rttMs ?? RTT_MS, wanted, options.log)
    try {
      return await measure(setting, options)
    } finally {
      await setting.close()
    }
  }
}

interface Figure {
  readonly one: Measured
  readonly bytesPerSecond: number
  readonly aloneBytesPerSecond: number
  readonly before: string
  readonly after: string
}

async function measure({ measured }: Setting, options: BenchOptions): Promise<Outcome> {
  const { seconds = SECONDS, trace = false, log } = options
  log(`${SETTLE_SECONDS} s until everything has settled`)
  await pause(SETTLE_SECONDS * 1_000)
  const before = await Promise.all(measured.map(standingOf))
  const captures = trace ? await captureAll(measured) : undefined
  log(`${seconds} s of nothing`)
  const subjects = [...new Set(measured.flatMap(({ pair, alone }) => [...pair, alone]))]
  const rates = await ratesOf(subjects, seconds)
  await captures?.print(log)
  const after = await Promise.all(measured.map(standingOf))
  const figures = measured.map((one, index): Figure => {
    const alone = rates.get(one.alone)!
    const linked = Math.max(...one.pair.map((subject) => rates.get(subject)!))
    return {
      one,
      bytesPerSecond: linked - alone,
      aloneBytesPerSecond: alone,
      before: before[index]!,
      after: after[index]!
    }
  })
  const sample = (who: Measured['who']): Sample =>
    Object.fromEntries(
      figures.flatMap(({ one, bytesPerSecond }) => (one.who === who ? [[one.name, Math.round(bytesPerSecond)]] : []))
    )
  const result = {
    name: 'idle',
    ours: sample('ours'),
    stock: sample('stock'),
    rivals: {},
    runs: 1,
    machine: machine(),
    options: { seconds, rttMs: options.rttMs ?? RTT_MS }
  }
  return {
    result,
    samples: { ours: [result.ours], stock: [result.stock] },
    caption: `bytes per second over ${seconds} s, at the peer that has more, less what its reservation alone costs`,
    notes: figures.map(describe)
  }
}

function describe({ one, aloneBytesPerSecond, before, after }: Figure): string {
  const changed = before === after ? '' : `, and at the end ${after}`
  return `${one.who} ${one.name}: ${before}${changed}; its reservation alone ${Math.round(aloneBytesPerSecond)} B/s`
}

/** Of each host's wire, both ways, IP headers included. */
async function ratesOf(subjects: readonly Subject[], seconds: number): Promise<Map<Subject, number>> {
  const read = async (subject: Subject) => ({ bytes: await bytesOf(subject), at: performance.now() })
  const from = await Promise.all(subjects.map(read))
  await pause(seconds * 1_000)
  const to = await Promise.all(subjects.map(read))
  return new Map(
    subjects.map((subject, index) => {
      const [start, end] = [from[index]!, to[index]!]
      return [subject, ((end.bytes - start.bytes) * 1_000) / (end.at - start.at)]
    })
  )
}

async function bytesOf({ host }: Subject): Promise<number> {
  const { up, down } = await host.traffic()
  return up.bytes + down.bytes
}

/** Of each case the one who dialled, and of each kind the one without a link. */
async function captureAll(measured: readonly Measured[]) {
  const running = new Map<string, Capture>()
  const start = performance.now()
  const alone = new Set<Subject>()
  for (const { who, name, pair, alone: other } of measured) {
    running.set(`${who} ${name}`, await capture(pair[0].host))
    if (alone.has(other)) continue
    alone.add(other)
    running.set(`${who} ${name}, reservation alone`, await capture(other.host))
  }
  return {
    async print(log: (line: string) => void): Promise<void> {
      const kinds: Array<[string, Kind[]]> = []
      for (const [title, one] of running) kinds.push([title, await one.stop()])
      const seconds = (performance.now() - start) / 1_000
      for (const [title, ofTitle] of kinds) {
        log(title)
        for (const { kind, packets, bytes } of ofTitle) {
          log(`  ${(bytes / seconds).toFixed(1).padStart(7)} B/s  ${String(packets).padStart(5)} packets  ${kind}`)
        }
      }
    }
  }
}
