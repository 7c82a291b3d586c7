// One of two peers is killed, stopped or unplugged while neither says anything.
import { describe, expect, it } from 'vitest'
import type { Kind, Way } from './support/outage/kill.ts'
import { runKind, runStock } from './support/outage/kills.ts'
import { whyNot } from './support/outage/place.ts'
import { amount, describeInFull, isFull } from './support/soak.ts'

/** What the survivor may take to notice. */
const NOTICED_WITHIN_MS = 15_000

const idle = (carriage: Kind['carriage'], way: Way): Kind => ({ carriage, way, traffic: 'idle' })
const kinds: Kind[] = [
  idle('direct', 'kill'),
  idle('direct', 'stop'),
  idle('relayed', 'unplug'),
  ...(isFull ? [idle('relayed', 'kill'), idle('relayed', 'stop'), idle('direct', 'unplug')] : [])
]

describe.skipIf(whyNot != null)('a peer that goes without a word, on an idle link', () => {
  it.concurrent.each(kinds)(
    '$carriage, $way: recovering within 15 s, superseded at once when it is back',
    async (kind) => {
      const { noticedMs } = await runKind(kind, amount(1, 20))
      expect(Math.max(...noticedMs)).toBeLessThanOrEqual(NOTICED_WITHIN_MS)
    }
  )

  describeInFull('js-libp2p alone', () => {
    it.concurrent.each(kinds)('$carriage, $way: until it notices', (kind) => runStock(kind, 2))
  })
})
