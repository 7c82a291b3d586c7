// How long nothing is delivered when the direct path dies without a word.
import { whyNoLab } from '../../test/natlab/index.ts'
import { endPeers } from '../../test/natlab/peers/index.ts'
import { summary } from '../failover/figures.ts'
import { type Kill, killOurs, killStock, type Traffic } from '../failover/kill.ts'
import { type Bench, type BenchOptions, machine, type Outcome } from '../harness.ts'
import { createPlace, LINE_BITS_PER_SECOND, type PairKind, type Place, pairOf, RTT_MS } from '../lab/place.ts'

const KILLS = 50
const STOCK_RUNS = 5
const CUT_MS = 5_000
/** Each waits for 30 s until its standby is given up: several wait together. */
const COLD_AT_ONCE = 5

export const failover: Bench = {
  title: 'UDP dropped for 5 s under an echo and under a bulk stream: the stall, bytes lost, direct again',
  isolated: false,
  inLab: true,
  async run(options) {
    const why = await whyNoLab()
    if (why != null) throw new Error(why)
    const kinds = pairOf(options.pair)
    const lineBitsPerSecond = options.lineBitsPerSecond ?? LINE_BITS_PER_SECOND
    const { rttMs = RTT_MS, congestion, cold = false } = options
    const places: Place[] = []
    try {
      for (let index = 0; index < (cold ? COLD_AT_ONCE : 1); index++) {
        places.push(await createPlace({ rttMs, lineBitsPerSecond, congestion, stockRelay: cold }))
      }
      return await measure(places, kinds, options)
    } finally {
      for (const place of places) {
        await endPeers(...place.hosts)
        await place.close()
      }
    }
  }
}

async function measure(places: readonly Place[], kinds: PairKind, options: BenchOptions): Promise<Outcome> {
  const { cutMs = CUT_MS, trace = false, cold = false, log } = options
  const { kills = KILLS, runsStock = cold ? 0 : STOCK_RUNS, traffic = cold ? 'echo' : 'both' } = options
  const traffics: Traffic[] = traffic === 'both' ? ['echo', 'bulk'] : [traffic]
  const ours: Kill[] = []
  const stock: Kill[] = []
  const failures: string[] = []
  const one = async (who: string, round: number, run: () => Promise<Kill>, into: Kill[]): Promise<void> => {
    try {
      const kill = await run()
      into.push(kill)
      log(`${round + 1} ${who} ${describe(kill)}`)
      if (trace) for (const { at, text } of kill.timeline) log(`      ${Math.round(at)} ${text}`)
    } catch (err) {
      failures.push(`${who} ${round + 1} failed before its figures: ${(err as Error).message.split('\n', 1)[0]}`)
      log(failures.at(-1)!)
    }
  }
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const mine = last.then(run)
    last = mine.catch(() => {})
    return mine
  }
  const both = async (round: number, place: Place): Promise<void> => {
    for (const traffic of traffics) {
      const init = { place, kinds, traffic, cutMs, cold, inTurn }
      if (round < kills) await one('ours', round, () => killOurs(init), ours)
      if (round < runsStock) await one('stock', round, () => killStock(init), stock)
    }
  }
  for (let round = 0; round < Math.max(kills, runsStock); round += places.length) {
    await Promise.all(places.map((place, index) => both(round + index, place)))
  }
  const result = {
    name: 'failover',
    ours: summary(ours),
    stock: summary(stock),
    rivals: {},
    runs: kills,
    machine: machine(),
    options: { kills, runsStock, cutMs, rttMs: options.rttMs ?? RTT_MS, ...(cold ? { cold: 1 } : {}) }
  }
  const notDirect = ours.filter(({ directAgainMs }) => directAgainMs == null).length
  const resumed = stock.filter((kill) => kill.resumed && kill.bytesLost === 0).length
  return {
    result,
    samples: { ours: [result.ours], stock: [result.stock] },
    caption: `${kinds.join('–')}; ${ours.length} kills of ours, ${stock.length} of stock`,
    notes: [
      ...(notDirect > 0 ? [`${notDirect} of ours were not direct again within 30 s`] : []),
      ...(stock.length > 0 ? [`${resumed} of ${stock.length} streams of stock went on with everything`] : []),
      ...failures
    ]
  }
}

function describe({ traffic, gapMs, quietGapMs, bytesLost, sentBytes, directAgainMs, resumed }: Kill): string {
  const direct = directAgainMs == null ? 'not direct again' : `direct again after ${directAgainMs} ms`
  return `${traffic}: gap ${Math.round(gapMs)} ms (${Math.round(quietGapMs)} before)${resumed ? '' : ', never resumed'}, ${bytesLost} of ${sentBytes} bytes lost, ${direct}`
}
