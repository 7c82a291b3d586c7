import { describe, expect, it } from 'vitest'
import { relayOrder } from '../../../src/node/relay-order.ts'

const same = (id: string): string => id
const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `12D3KooW${prefix}${i}`)

describe('the order of relays', () => {
  const relays = names('Relay', 5)

  it('is that of the peer, in whatever order the relays are given', () => {
    for (const peer of names('Peer', 50)) {
      expect(relayOrder(peer, [...relays].reverse(), same)).toEqual(relayOrder(peer, relays, same))
    }
  })

  it('spreads peers evenly', () => {
    const peers = names('Peer', 5_000)
    const counts = new Map<string, number>()
    for (const peer of peers) {
      for (const relay of relayOrder(peer, relays, same).slice(0, 2)) counts.set(relay, (counts.get(relay) ?? 0) + 1)
    }
    // 2,000 each are expected, with a standard deviation of 35.
    for (const relay of relays) expect(counts.get(relay)).toSatisfy((count: number) => Math.abs(count - 2_000) < 175)
  })

  it('stays as it is for the others when a relay goes', () => {
    for (const peer of names('Peer', 50)) {
      const before = relayOrder(peer, relays, same)
      for (const gone of relays) {
        const others = relays.filter((relay) => relay !== gone)
        expect(relayOrder(peer, others, same)).toEqual(before.filter((relay) => relay !== gone))
      }
    }
  })
})
