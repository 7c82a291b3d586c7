// Relays' limits stop mattering: what a link carries and how long it lives over circuits that a stock relay ends.
import { describe, expect, it } from 'vitest'
import { whyNot } from './support/renewal/place.ts'
import { type Kinds, provesChat, provesTransfer } from './support/renewal/suite.ts'
import { amount, describeInFull } from './support/soak.ts'

const kinds: Kinds = ['node', 'node']

describe.skipIf(whyNot != null)('a link over circuits of 10 s and 64 KiB', () => {
  const renewals = amount(20, 200)

  it('is renewed again and again while both sides send, with nothing lost', async () => {
    // Each circuit carries 35 to 45 kB of both directions together.
    const bytes = renewals * 24_000
    const circuits = await provesTransfer(`${renewals} renewals in a row, 10 s and 64 KiB each, both send`, {
      kinds,
      limits: { bytes: 65_536, seconds: 10 },
      bytes,
      both: true,
      circuits: renewals + 1,
      leastGoodputKiBps: 0
    })
    expect(circuits).toBeGreaterThan(renewals)
  })
})

describe.skipIf(whyNot != null)('a link over circuits of 6 s', () => {
  it('lives through a chat that is longer', async () => {
    await provesChat('chat over circuits of 6 s', {
      kinds,
      limits: { seconds: 6 },
      chatMs: amount(10_000, 60_000),
      everyMs: 200,
      circuits: amount(3, 11)
    })
  })
})

describeInFull('a link over a stock relay with stock limits (2 min, 128 KiB)', () => {
  it.skipIf(whyNot != null).each([
    { both: false, circuits: 80 },
    { both: true, circuits: 160 }
  ])('carries 10 MiB, both ways: $both', async ({ both, circuits }) => {
    const name = `10 MiB ${both ? 'each way' : 'one way'} over a stock relay`
    // Both share what the number of circuits per second allows.
    const leastGoodputKiBps = both ? 60 : undefined
    await provesTransfer(name, { kinds, bytes: 10_485_760, both, circuits, leastGoodputKiBps })
  })

  it.skipIf(whyNot != null)('lives for 10 minutes of chat', async () => {
    await provesChat('10 minutes of chat over a stock relay', {
      kinds,
      chatMs: 600_000,
      everyMs: 1_000,
      circuits: 5
    })
  })
})
