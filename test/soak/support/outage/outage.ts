// One outage under traffic: an echo and a bulk stream, and what became of every byte.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Situation } from './holdfast-peer.ts'
import type { PeerProcess } from './peer.ts'
import { type Carriage, createPlace, openPair, type Pair, type Place } from './place.ts'
import type { PeerInit } from './traffic.ts'

/** Traffic before the outage begins: sessions have measured their paths by then. */
const WARM_UP_MS = 1_500

/** After the resume window nothing comes back. */
const RECOVERY_TIMEOUT_MS = 60_000

export interface Outage {
  readonly beganAt: number
  /** The network is there again, or the process runs again. */
  readonly endedAt: number
  /** From then until both sides deliver again. */
  readonly flowingMs: number
  /** Of each side, while it lasted: `recovering` with its deadline. */
  readonly recovering: ReadonlyArray<Situation | undefined>
  readonly bytes: number
  readonly bytesLost: number
  /** For people: what each side went through, in ms since it began. */
  readonly story: string
}

/** In a network of its own, so that several can go on at once. */
export async function withPair<T>(
  carriage: Carriage,
  over: Partial<PeerInit>,
  run: (pair: Pair, place: Place) => Promise<T>
): Promise<T> {
  const place = await createPlace(carriage)
  try {
    const pair = await openPair(place, carriage, over)
    const result = await run(pair, place)
    await pair.close()
    return result
  } finally {
    await place.close()
  }
}

/** `begin` and `end` resolve with the moment, `ms` apart. Every byte that was sent must arrive once, in order. */
export async function throughOutage(
  { a, b }: Pair,
  ms: number,
  begin: () => Promise<number>,
  end: () => Promise<number>
): Promise<Outage> {
  await a.ask('startEcho', b.peerId)
  await a.ask('startBulk', b.peerId)
  await sleep(WARM_UP_MS)
  const beganAt = await begin()
  await sleep(ms)
  const endedAt = await end()
  const flowing = await Promise.all([a, b].map((peer) => deliveredAfter(peer, endedAt)))
  const echo = await a.ask('stopEcho')
  const sent = await a.ask('stopBulk')
  const sunk = await b.ask('sunk')
  const situations = await Promise.all([a, b].map((peer) => peer.ask('situation')))
  const story = situations.map((all, side) => `${side === 0 ? 'a' : 'b'}: ${storyOf(all, beganAt)}`).join('; ')
  expect(echo.wrongBytes, story).toBe(0)
  expect(sunk, story).toEqual(sent)
  return {
    beganAt,
    endedAt,
    flowingMs: Math.max(...flowing) - endedAt,
    recovering: situations.map((all) => all.find(({ at, status }) => at >= beganAt && status === 'recovering')),
    bytes: sent.bytes + echo.sentBytes,
    bytesLost: echo.sentBytes - echo.echoedBytes + sent.bytes - sunk.bytes,
    story
  }
}

async function deliveredAfter(peer: PeerProcess, at: number): Promise<number> {
  const timeout = sleep(RECOVERY_TIMEOUT_MS, undefined, { ref: false })
  const delivered = await Promise.race([peer.ask('deliveredAfter', at), timeout])
  if (delivered != null) return delivered
  throw new Error(`nothing delivered: ${storyOf(await peer.ask('situation'), at)}`)
}

export function storyOf(situations: readonly Situation[], since: number): string {
  return situations
    .filter(({ at }) => at >= since)
    .map(({ at, status, cause }) => `${at - since} ${status} (${cause})`)
    .join(', ')
}
