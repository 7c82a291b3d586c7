// A peer moves to another network: its address is another one from one moment to the next, and nothing sent to or from the old
// one arrives any more.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Outage, throughOutage, withPair } from './support/outage/outage.ts'
import { type Carriage, type Place, whyNot } from './support/outage/place.ts'
import { amount, percentile, record } from './support/soak.ts'

/** Node asks for its addresses every second; paths and relays then have 3 s to answer; and a dial. */
const FLOWING_WITHIN_MS = 5_500

/** Unlike an outage: nobody was away. */
const move = async ({ hosts: [host], lab }: Place): Promise<number> => {
  await host.changeAddress({ behind: await lab.nat() })
  return Date.now()
}

describe.skipIf(whyNot != null)('another network', () => {
  it.concurrent.each(['direct', 'relayed'] satisfies Carriage[])(
    '%s, under traffic: data flows again within 5.5 s without an event, nothing is lost',
    async (carriage) => {
      const outages: Outage[] = []
      for (let i = 0; i < amount(1, 10); i++) {
        const outage = await withPair(carriage, {}, (pair, place) =>
          throughOutage(
            pair,
            0,
            async () => Date.now(),
            () => move(place)
          )
        )
        expect(outage.bytesLost, outage.story).toBe(0)
        expect(outage.flowingMs, outage.story).toBeLessThanOrEqual(FLOWING_WITHIN_MS)
        outages.push(outage)
      }
      const flowingMs = outages.map((outage) => outage.flowingMs)
      record(`another network ${carriage}`, {
        moves: outages.length,
        flowingMsP50: percentile(flowingMs, 0.5),
        flowingMsMax: Math.max(...flowingMs),
        bytes: outages.reduce((sum, { bytes }) => sum + bytes, 0),
        bytesLost: outages.reduce((sum, { bytesLost }) => sum + bytesLost, 0)
      })
    }
  )

  it.concurrent.each(['direct', 'relayed'] satisfies Carriage[])(
    '%s, idle: the next message finds a path that works',
    async (carriage) => {
      const answerMs: number[] = []
      for (let i = 0; i < amount(1, 10); i++) {
        await withPair(carriage, {}, async ({ a, b }, place) => {
          await a.ask('startEcho', b.peerId)
          await a.ask('stopEcho')
          await move(place)
          await sleep(FLOWING_WITHIN_MS)
          const start = performance.now()
          await a.ask('startEcho', b.peerId)
          const { sentBytes, echoedBytes } = await a.ask('stopEcho')
          answerMs.push(Math.round(performance.now() - start))
          expect(echoedBytes).toBe(sentBytes)
        })
      }
      record(`another network ${carriage}, idle`, { moves: answerMs.length, answerMsMax: Math.max(...answerMs) })
      expect(Math.max(...answerMs)).toBeLessThan(1_000)
    }
  )
})
