import type { Connection } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { describe, expect, it, vi } from 'vitest'
import type { CircuitCut } from '../../../src/link/index.ts'
import { type Cut, learn } from '../../../src/node/relay-limits.step.ts'
import { RelayLimits } from '../../../src/node/relay-limits.ts'
import type { CircuitBudget, ObservedLimits } from '../../../src/path/index.ts'

const RELAY = multiaddr('/ip4/192.0.2.1/tcp/9090/ws/p2p/12D3KooWBhV9dp6FDvgaEphWMsxf6Un2PAUbWBNWBHnHmQ7hX3nZ')
const NOTHING: ObservedLimits = {}

const cut = (over: Partial<CircuitCut>): CircuitCut => ({
  relay: RELAY,
  usedBytes: 10_000,
  ageMs: 3_000,
  at: 0,
  limitBytes: 131_072,
  limitMs: 120_000,
  ...over
})

/** One cut after the other. */
function learnedFrom(...cuts: Array<Partial<CircuitCut>>): ObservedLimits {
  let limits = NOTHING
  let last: Cut | undefined
  for (const one of cuts) {
    const learned = learn(cut(one), limits, last)
    limits = learned.limits
    last = learned.cut ?? last
  }
  return limits
}

describe('what a relay allows its circuits', () => {
  it('is not learned from one that was cut: anything may have done that', () => {
    expect(learnedFrom({ usedBytes: 50_000 })).toBe(NOTHING)
  })

  it('is not learned from circuits that ended anywhere', () => {
    expect(learnedFrom({ usedBytes: 50_000, ageMs: 3_000 }, { usedBytes: 80_000, ageMs: 9_000 })).toBe(NOTHING)
  })

  it('is believed when two in a row end at the same number of bytes: a little less than these', () => {
    expect(learnedFrom({ usedBytes: 52_000, ageMs: 900 }, { usedBytes: 50_000, ageMs: 4_000 })).toEqual({
      bytes: 45_000
    })
  })

  it('or at the same age', () => {
    expect(learnedFrom({ usedBytes: 20_000, ageMs: 30_100 }, { usedBytes: 60_000, ageMs: 30_000 })).toEqual({
      ms: 27_000
    })
  })

  it('is learned where the relay says nothing', () => {
    const silent = { limitBytes: undefined, limitMs: undefined }
    expect(
      learnedFrom({ ...silent, usedBytes: 64_000, ageMs: 700 }, { ...silent, usedBytes: 64_000, ageMs: 2_000 })
    ).toEqual({
      bytes: 57_600
    })
  })

  it('is what it says, for all that circuits show which end there', () => {
    const atTheLimit = { usedBytes: 130_000, ageMs: 4_000 }
    expect(learnedFrom(atTheLimit, atTheLimit)).toBe(NOTHING)
    expect(learnedFrom({ ageMs: 120_100 }, { ageMs: 120_000 })).toBe(NOTHING)
  })

  it('only gets less', () => {
    const limits = learnedFrom(
      { usedBytes: 50_000, ageMs: 900 },
      { usedBytes: 50_000, ageMs: 4_000 },
      { usedBytes: 30_000, ageMs: 9_000, limitBytes: 45_000 },
      { usedBytes: 30_000, ageMs: 700, limitBytes: 45_000 }
    )
    expect(limits).toEqual({ bytes: 27_000 })
  })
})

describe('what was learned of a relay', () => {
  const log = defaultLogger().forComponent('test')
  const carrier = { remoteAddr: RELAY.encapsulate('/p2p-circuit') }
  /** Of the node to the relay. */
  const connected = (openedAt: number): ConnectionManager =>
    ({ getConnections: () => [{ status: 'open', timeline: { open: openedAt } }] }) as unknown as ConnectionManager

  async function learned(connectionManager: ConnectionManager) {
    const { peerStore } = await createLibp2p({ start: false })
    const limits = new RelayLimits({ peerStore, connectionManager, log })
    for (const ageMs of [900, 4_000]) limits.onCut(cut({ usedBytes: 50_000, ageMs, at: 5_000 }))
    return { peerStore, limits }
  }

  it('is known to the next run, from the peer store, for a day', async () => {
    const { peerStore, limits } = await learned(connected(1_000))
    expect(limits.of(carrier)).toEqual({ bytes: 45_000 })
    const relay = peerIdFromString(RELAY.getComponents().at(-1)!.value!)
    await vi.waitFor(async () => expect((await peerStore.get(relay)).metadata.size).toBe(1))
    const later = new RelayLimits({ peerStore, connectionManager: connected(1_000), log })
    expect(later.of(carrier)).toBeUndefined()
    await later.load()
    expect(later.of(carrier)).toEqual({ bytes: 45_000 })
    vi.useFakeTimers({ now: Date.now() + 86_400_001 })
    expect(later.of(carrier)).toBeUndefined()
    vi.useRealTimers()
  })

  it('is nothing where our own connection to it was lost at the time', async () => {
    const { limits } = await learned(connected(6_000))
    expect(limits.of(carrier)).toBeUndefined()
  })

  it('is nothing where the peer store holds something else under its name', async () => {
    const { peerStore } = await learned(connected(1_000))
    const relay = peerIdFromString(RELAY.getComponents().at(-1)!.value!)
    for (const text of ['{', '{}', '{"limits":{"bytes":"many"},"at":1}', '7']) {
      await peerStore.merge(relay, { metadata: { 'holdfast-circuit-limits': new TextEncoder().encode(text) } })
      const later = new RelayLimits({ peerStore, connectionManager: connected(1_000), log })
      await later.load()
      expect(later.of(carrier) ?? {}).toEqual({})
    }
  })
})

describe('what a relay calls seconds, where it says 4,000', () => {
  const never = new AbortController().signal
  const circuit = { isUnsure: true, limitMs: 4_000 } as CircuitBudget

  async function watched(endsAfterMs: number, signal = never): Promise<ObservedLimits | undefined> {
    vi.useFakeTimers()
    try {
      const { peerStore } = await createLibp2p({ start: false })
      const connectionManager = { getConnections: () => [] } as unknown as ConnectionManager
      const limits = new RelayLimits({ peerStore, connectionManager, log: defaultLogger().forComponent('test') })
      const remoteAddr = RELAY.encapsulate('/p2p-circuit')
      const carrier = Object.assign(new EventTarget(), { remoteAddr, timeline: { open: Date.now() } })
      const done = limits.watchUnit(carrier as unknown as Connection, circuit, signal)
      setTimeout(() => carrier.dispatchEvent(new Event('close')), endsAfterMs)
      await vi.advanceTimersByTimeAsync(10_000)
      await done
      return limits.of({ remoteAddr })
    } finally {
      vi.useRealTimers()
    }
  }

  it('are seconds when a circuit outlives the milliseconds', async () => {
    expect(await watched(9_000)).toEqual({ saysSeconds: true })
  })

  it('are milliseconds when it is cut then', async () => {
    expect(await watched(4_010)).toEqual({ saysSeconds: false })
  })

  it('are not known when it ends before, or the link does', async () => {
    expect(await watched(2_000)).toBeUndefined()
    expect(await watched(9_000, AbortSignal.abort())).toBeUndefined()
  })
})
