// The two proofs, for any two kinds of peers: a long transfer, and a long chat.
import { expect } from 'vitest'
import type { PeerKind } from '../../../natlab/peers/index.ts'
import { mostWithin } from '../../../support/renewals.ts'
import { record } from '../soak.ts'
import { chat, type Ends, endsOf, expectNoCut, openPair, type Pair, transfer } from './pair.ts'
import { createPlace, type Limits, type Place } from './place.ts'

export type Kinds = readonly [PeerKind, PeerKind]

/** The issue's, at 30 ms between the peers; pacing counts. */
const LONGEST_STALL_MS = 400
const LEAST_GOODPUT_KIBPS = 120

/** Circuits that one node may ask a relay for: so many at once, and so many per second after that. */
const BURST = 8
const PER_SECOND = 3

export interface TransferCase {
  readonly kinds: Kinds
  readonly limits?: Limits
  /** From each sender. */
  readonly bytes: number
  readonly both?: boolean
  /** At least so many circuits must have been used. */
  readonly circuits: number
  /** Not where circuits are so small that their number per second is what limits. */
  readonly leastGoodputKiBps?: number
}

/** Resolves with the number of circuits. */
export async function provesTransfer(name: string, one: TransferCase): Promise<number> {
  const { kinds, limits, bytes, both = false, circuits, leastGoodputKiBps = LEAST_GOODPUT_KIBPS } = one
  return withPlace(limits, async (place) => {
    const pair = await openPair(place, kinds)
    const moved = await transfer(pair, bytes, both)
    const all = await endsOfBoth(pair)
    const [ends] = all
    record(name, { bytes, ...moved, ...figuresOf(all), ...politenessOf(place) })
    expectNoCut(all)
    expect(moved.bytesLost, ends.story).toBe(0)
    expect(moved.longestGapMs, ends.story).toBeLessThanOrEqual(LONGEST_STALL_MS)
    expect(moved.goodputKiBps, ends.story).toBeGreaterThanOrEqual(leastGoodputKiBps)
    expect(ends.circuits, ends.story).toBeGreaterThanOrEqual(circuits)
    expectPolite(place)
    await pair.close()
    return ends.circuits
  })
}

export interface ChatCase {
  readonly kinds: Kinds
  readonly limits?: Limits
  readonly chatMs: number
  readonly everyMs: number
  readonly circuits: number
}

export async function provesChat(name: string, { kinds, limits, chatMs, everyMs, circuits }: ChatCase): Promise<void> {
  await withPlace(limits, async (place) => {
    const pair = await openPair(place, kinds)
    const chatted = await chat(pair, chatMs, everyMs)
    const all = await endsOfBoth(pair)
    const [ends] = all
    record(name, { chatMs, everyMs, ...chatted, ...figuresOf(all), ...politenessOf(place) })
    expectNoCut(all)
    expect(chatted.longestAnswerMs, ends.story).toBeLessThanOrEqual(LONGEST_STALL_MS)
    expect(ends.circuits, ends.story).toBeGreaterThanOrEqual(circuits)
    expectPolite(place)
    await pair.close()
  })
}

async function withPlace<T>(limits: Limits | undefined, run: (place: Place) => Promise<T>): Promise<T> {
  const place = await createPlace(limits)
  try {
    return await run(place)
  } finally {
    await place.close()
  }
}

async function endsOfBoth({ a, b }: Pair): Promise<readonly [Ends, Ends]> {
  return Promise.all([endsOf(a), endsOf(b)])
}

function figuresOf([{ circuits, cut, recoveries }]: readonly [Ends, Ends]) {
  return { circuits, cut: cut.length, recoveries }
}

function politenessOf(place: Place) {
  const asked = place.circuits()
  return { mostCircuitsIn100Ms: mostWithin(asked, 100), mostCircuitsIn5s: mostWithin(asked, 5_000) }
}

function expectPolite(place: Place): void {
  const asked = place.circuits()
  for (const seconds of [1, 2, 5, 10]) {
    expect(mostWithin(asked, seconds * 1_000), `circuits within ${seconds} s`).toBeLessThanOrEqual(
      BURST + PER_SECOND * seconds
    )
  }
}
