// One of two peers is killed, stopped or unplugged while the other one talks to it.
import { describe, expect, it } from 'vitest'
import type { Kind, Way } from './support/outage/kill.ts'
import { runKind, runStock } from './support/outage/kills.ts'
import { whyNot } from './support/outage/place.ts'
import { amount, describeInFull, isFull } from './support/soak.ts'

/** What the survivor may take to notice. */
const NOTICED_WITHIN_MS = 3_000

const sending = (carriage: Kind['carriage'], way: Way): Kind => ({ carriage, way, traffic: 'sending' })
const kinds: Kind[] = [
  sending('direct', 'kill'),
  sending('direct', 'stop'),
  sending('relayed', 'kill'),
  sending('relayed', 'unplug'),
  ...(isFull ? [sending('direct', 'unplug'), sending('relayed', 'stop')] : [])
]

describe.skipIf(whyNot != null)('a peer that goes without a word, under traffic', () => {
  it.concurrent.each(kinds)(
    '$carriage, $way: recovering within 3 s, superseded at once when it is back',
    async (kind) => {
      // Of two deaths one is found again by either side; it takes 10 s to have two paths again.
      const { noticedMs } = await runKind(kind, amount(kind.way === 'kill' && kind.carriage === 'relayed' ? 2 : 1, 20))
      expect(Math.max(...noticedMs)).toBeLessThanOrEqual(NOTICED_WITHIN_MS)
    }
  )

  describeInFull('js-libp2p alone', () => {
    it.concurrent.each(kinds)('$carriage, $way: until it notices', (kind) => runStock(kind, 2))
  })
})
