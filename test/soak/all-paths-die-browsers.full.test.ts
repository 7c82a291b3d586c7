// The same as in all-paths-die-network, for pages: browsers tell of another network, and dial WebSockets in their own way.
import { describe, expect, it } from 'vitest'
import { findBrowsers } from '../../scripts/browsers.ts'
import { openPeer } from '../natlab/peers/index.ts'
import { globalsOf } from '../natlab/scenarios/pair.ts'
import { type Carriage, createPlace, whyNot } from './support/outage/place.ts'
import { percentile, record } from './support/soak.ts'

/**
 * Chromium tells of no event when only the address is another (seen: 4.2 and 7.3 s): 2.8 s of silence, 0.5 s of patience with
 * the relay and 3 s for its answer, and a dial.
 */
const ANSWERED_WITHIN_MS = 8_000

/** A page is told nothing of a network that is cut far away: as long as in Node. */
const CUT_MS = 15_000

const TIMES = 3

const browsers = await findBrowsers()
const cases = (['chromium', 'firefox'] as const).flatMap((kind) =>
  (['direct', 'relayed'] satisfies Carriage[]).flatMap((carriage) =>
    (['moves to another network', 'loses its network for 15 s'] as const).map((what) => ({ kind, carriage, what }))
  )
)

describe.skipIf(whyNot != null)('a page', () => {
  it.each(cases)('$kind, $carriage, that $what: the next message finds a path that works', async (one) => {
    const { kind, carriage, what } = one
    if (browsers[kind] == null) return
    const answerMs: number[] = []
    for (let i = 0; i < TIMES; i++) {
      const place = await createPlace()
      try {
        const [host, other] = place.hosts
        const globals = { ...globalsOf(place.relay), upgrade: carriage === 'direct' ? 'auto' : 'never' }
        const [page, peer] = await Promise.all([
          openPeer(host, { kind, globals }),
          openPeer(other, { kind: 'node', globals })
        ])
        const start = async (): Promise<string> => {
          const { upgrade } = globalThis as unknown as { upgrade: 'auto' | 'never' }
          globalThis.person = await Person.start({ relays, stunServers: [stunUrl], upgrade })
          return person.peerId
        }
        const [, peerId] = await Promise.all([page.evaluate(start), peer.evaluate(start)])
        await page.evaluate((peerId) => person.dial(peerId, 'before').then(() => {}), peerId)
        if (carriage === 'direct') {
          for (const side of [page, peer]) {
            await side.evaluate(() => person.link.whenDirect({ signal: AbortSignal.timeout(20_000) }))
          }
        }
        if (what === 'moves to another network') {
          await host.changeAddress({ behind: await place.lab.nat() })
          answerMs.push(Math.round(await page.evaluate(() => person.say('after'))))
        } else {
          await host.cut()
          const answered = page.evaluate(() => person.say('after'))
          await new Promise((resolve) => setTimeout(resolve, CUT_MS))
          await host.restore()
          answerMs.push(Math.round((await answered) - CUT_MS))
        }
        const seen = await page.evaluate(() => person.seen.map(({ what }) => what).join('; '))
        expect(answerMs.at(-1), seen).toBeLessThanOrEqual(ANSWERED_WITHIN_MS)
        await Promise.all([page.close(), peer.close()])
      } finally {
        await place.close()
      }
    }
    record(`${kind}, ${carriage}, ${what}`, {
      times: TIMES,
      answerMsP50: percentile(answerMs, 0.5),
      answerMsMax: Math.max(...answerMs)
    })
  })
})
