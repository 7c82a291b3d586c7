import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLab, type Impairment, type Lab, meanLoss, whyNoLab } from './index.ts'
import { Probe, report } from './support/probe.ts'

const SEED = 20_260_704
const reason = await whyNoLab()
if (reason != null) console.log(`Skipped: ${reason}`)

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

describe.skipIf(reason != null)('what a wire does is what was asked of it', () => {
  let lab: Lab
  let server: Probe
  let client: Probe
  let nextPort = 20_000

  beforeAll(async () => {
    lab = await createLab({ seed: SEED })
    server = new Probe(await lab.host({ name: 'server' }))
    client = new Probe(await lab.host({ name: 'client' }))
    await server.do('echo', 9)
  })
  afterAll(() => lab.close())

  const at = (port: number) => ({ address: server.host.address, port })

  async function stream(impairment: Impairment, count: number, payloadBytes: number, packetsPerMs: number) {
    await client.host.impair(impairment)
    const port = nextPort++
    await server.do('count', port)
    await client.do('stream', at(port), count, payloadBytes, packetsPerMs)
    return await server.do('counted', port)
  }

  // Nothing can make a round trip shorter than asked. A busy machine makes them longer, but hardly all forty.
  it.each<[string, Impairment, number]>([
    ['nothing', {}, 0],
    ['10 ms each way', { delayMs: 10 }, 20],
    ['75 ms each way', { delayMs: 75 }, 150],
    ['40 ms up, 5 ms down', { up: { delayMs: 40 }, down: { delayMs: 5 } }, 45]
  ])('round trip: %s', async (name, impairment, askedMs) => {
    await client.host.impair(impairment)
    const timesMs = await client.do('roundTrips', at(9), 40, 5)
    const leastMs = Math.min(...timesMs)
    report(`round trip, ${name}`, `${askedMs} ms`, `${leastMs.toFixed(2)} ms, median ${median(timesMs).toFixed(2)} ms`)
    expect(timesMs).toHaveLength(40)
    expect(leastMs).toBeGreaterThanOrEqual(askedMs)
    expect(leastMs).toBeLessThan(askedMs + 3)
  })

  it('jitter: spread evenly over what was asked, and in order', async () => {
    await client.host.impair({})
    const machineMs = mean(await client.do('roundTrips', at(9), 60, 10))
    await client.host.impair({ up: { delayMs: 20, jitterMs: 30 } })
    // Further apart than the jitter, so that none holds up the next.
    const timesMs = await client.do('roundTrips', at(9), 60, 35)
    const asked = '20-50 ms, mean 35 ms'
    const range = `${Math.min(...timesMs).toFixed(1)}-${Math.max(...timesMs).toFixed(1)} ms`
    report('round trip, 20 ms + 30 ms jitter one way', asked, `${range}, mean ${mean(timesMs).toFixed(1)} ms`)
    expect(Math.min(...timesMs)).toBeGreaterThanOrEqual(20)
    expect(Math.min(...timesMs)).toBeLessThan(25)
    expect(Math.max(...timesMs)).toBeGreaterThan(45)
    // Even spread: the mean of 60 is within 4 x 30 / sqrt(12 x 60) = 4.5 ms, and the machine adds what it added before.
    expect(mean(timesMs)).toBeGreaterThan(35 - 4.5)
    expect(mean(timesMs)).toBeLessThan(35 + 4.5 + 2 * machineMs + 2)
    const { seen } = await stream({ up: { delayMs: 20, jitterMs: 30 } }, 500, 100, 2)
    expect(seen).toHaveLength(500)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  })

  it.each([0.01, 0.05, 0.3])('loss: %f of the packets', async (loss) => {
    const count = 6_000
    const { seen } = await stream({ up: { loss } }, count, 100, 4)
    const lost = 1 - seen.length / count
    report('loss, each packet for itself', loss, lost.toFixed(4))
    // Four standard deviations of a binomial: one run of 16000 is outside, and the seed is fixed.
    expect(Math.abs(lost - loss)).toBeLessThan(4 * Math.sqrt((loss * (1 - loss)) / count))
  })

  it('loss in bursts: as much and as long as asked', async () => {
    const count = 12_000
    const loss = { burst: { goodToBad: 0.01, badToGood: 0.2 } }
    const { seen } = await stream({ up: { loss } }, count, 100, 4)
    const lost = 1 - seen.length / count
    const bursts = seen.map((number, i) => number - (seen[i - 1] ?? -1) - 1).filter((gap) => gap > 0)
    const asked = `${meanLoss(loss).toFixed(4)} in bursts of 5`
    report('loss, Gilbert-Elliott', asked, `${lost.toFixed(4)} in bursts of ${mean(bursts).toFixed(2)}`)
    // Bursts of mean 5 make about (1 + r) / (1 - r) = 8.5 times the variance of single losses, r = 1 - 0.01 - 0.2.
    const mid = meanLoss(loss)
    expect(Math.abs(lost - mid)).toBeLessThan(4 * Math.sqrt((8.5 * mid * (1 - mid)) / count))
    // Lengths are geometric: a deviation of sqrt(1 - 0.2) / 0.2 = 4.5 packets each, over some 115 bursts.
    expect(Math.abs(mean(bursts) - 5)).toBeLessThan((4 * 4.5) / Math.sqrt(bursts.length))
  })

  it('the same seed loses the same packets', async () => {
    const lostIn = async () => {
      const again = await createLab({ seed: SEED })
      const to = new Probe(await again.host())
      const from = new Probe(await again.host({ impair: { up: { loss: 0.2 } } }))
      await to.do('count', 9)
      await from.do('stream', { address: to.host.address, port: 9 }, 300, 100, 4)
      const { seen } = await to.do('counted', 9)
      await again.close()
      return seen
    }
    const first = await lostIn()
    expect(first.length).toBeLessThan(300)
    expect(await lostIn()).toEqual(first)
  })

  it.each([1e6, 10e6])('rate: %f bits per second of datagrams', async (rateBitsPerSecond) => {
    // 1172 + 28 bytes of UDP and IP are 1200 on the wire; twice the rate is offered for about a second.
    const count = Math.round((rateBitsPerSecond * 2) / 9_600)
    const perMs = (rateBitsPerSecond * 2) / 9_600 / 1_000
    const { seen, bytesAfterFirst, spanMs } = await stream(
      { up: { rateBitsPerSecond, queueMs: 500 } },
      count,
      1_172,
      perMs
    )
    const measured = ((bytesAfterFirst / 1_172) * 9_600) / (spanMs / 1_000)
    const megabits = (bits: number) => `${(bits / 1e6).toFixed(2)} Mbit/s`
    report(
      'rate, offered twice that',
      megabits(rateBitsPerSecond),
      `${megabits(measured)}, ${count - seen.length} dropped`
    )
    // The clock of the wire is exact. First and last packet can be late; the queue of 500 ms bridges a slow sender.
    expect(Math.abs(measured / rateBitsPerSecond - 1)).toBeLessThan(0.05)
    // A second's worth is too much, less the half second the queue holds: three quarters of two arrive.
    expect(seen.length / count).toBeGreaterThan(0.6)
    expect(seen.length / count).toBeLessThan(0.85)
  })

  it('rate: a TCP download gets what is left of it after headers', async () => {
    await client.host.impair({ delayMs: 10, rateBitsPerSecond: 10e6 })
    await server.do('serve', 80, 2_000_000)
    const { bytes, spanMs } = await client.do('download', at(80))
    const measured = (bytes * 8) / spanMs / 1_000
    report('rate, TCP over 20 ms round trips', '10 Mbit/s', `${measured.toFixed(2)} Mbit/s of payload`)
    expect(bytes).toBe(2_000_000)
    // 1448 of 1500 bytes are payload: 9.65. Below: slow start, and what TCP makes of drops (8.4 was seen on a busy machine).
    expect(measured).toBeLessThan(9.8)
    expect(measured).toBeGreaterThan(5)
  })

  it('traffic counts what was carried, lost and cut', async () => {
    const host = await lab.host({ impair: { up: { loss: 0.5 } } })
    const probe = new Probe(host)
    await server.do('count', 30_000)
    await probe.do('stream', at(30_000), 400, 72, 4)
    const { seen } = await server.do('counted', 30_000)
    const { up } = await host.traffic()
    // A host may say a word or two of its own (IGMP).
    expect(up.packets + up.lostPackets).toBeGreaterThanOrEqual(400)
    expect(up.packets + up.lostPackets).toBeLessThan(410)
    expect(up.packets - seen.length).toBeLessThan(10)
    expect(up.bytes).toBeGreaterThanOrEqual(seen.length * 100)
  })
})
