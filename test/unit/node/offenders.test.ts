// Peers that broke the protocol are refused for longer and longer, and forgotten in the end.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { beforeEach, expect, it } from 'vitest'
import { Offenders } from '../../../src/node/offenders.ts'

const newPeer = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

let now = 0
let offenders: Offenders
let peer: PeerId

beforeEach(async () => {
  now = 1_000_000
  offenders = new Offenders(() => now)
  peer = await newPeer()
})

it('a peer that did nothing is not refused, nor is another one than the offender', async () => {
  offenders.add(peer)
  expect(offenders.isRefused(await newPeer())).toBe(false)
})

it('the first offence is refused for a second, to the millisecond', () => {
  offenders.add(peer)
  now += 999
  expect(offenders.isRefused(peer)).toBe(true)
  now += 1
  expect(offenders.isRefused(peer)).toBe(false)
})

it('each offence doubles the time, up to a minute', () => {
  const times = Array.from({ length: 9 }, () => {
    const refusedMs = offenders.add(peer)
    now += refusedMs
    return refusedMs / 1_000
  })
  expect(times).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
})

it('what else breaks while it is refused already counts as one with the first', () => {
  offenders.add(peer)
  expect(offenders.add(peer)).toBe(0)
  now += 1_000
  expect(offenders.isRefused(peer)).toBe(false)
  expect(offenders.add(peer)).toBe(2_000)
})

it('five minutes in order make the next offence the first', () => {
  now += offenders.add(peer)
  now += 5 * 60_000 - 1
  expect(offenders.add(peer)).toBe(2_000)
  now += 2_000 + 5 * 60_000
  expect(offenders.add(peer)).toBe(1_000)
})

it('no more than 1,024 are remembered: the oldest offence is forgotten', async () => {
  offenders.add(peer)
  const second = await newPeer()
  offenders.add(second)
  now += 1_000
  // Again, so that the second one's is the oldest.
  offenders.add(peer)
  for (let i = 0; i < 1_023; i++) offenders.add(await newPeer())
  expect(offenders.isRefused(peer)).toBe(true)
  now += 2_000
  expect(offenders.add(second)).toBe(1_000)
})
