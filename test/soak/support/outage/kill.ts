// One peer goes without a word, in three ways; the other one notices, and finds it again.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { PeerProcess } from './peer.ts'
import { type Carriage, type Pair, type Place, whenSteady } from './place.ts'

/**
 * - `kill`: kill -9. Its kernel closes its TCP connections, and the relay tells at once that the circuit is gone.
 * - `stop`: SIGSTOP. Its kernel goes on acknowledging TCP.
 * - `unplug`: nothing it sends or is sent arrives.
 */
export type Way = 'kill' | 'stop' | 'unplug'

export interface Kind {
  readonly carriage: Carriage
  readonly way: Way
  readonly traffic: 'sending' | 'idle'
}

export interface Death {
  /** From then until the survivor was `recovering`. */
  readonly recoveringMs: number
  /** Time left by the survivor's own deadline when it began. */
  readonly windowMs: number
  readonly restart?: Restart
}

export interface Restart {
  readonly dialledBy: 'restarted' | 'survivor'
  /** From the dial until the survivor's old link was closed. */
  readonly supersededMs: number
  /** From the dial until the new link was there. */
  readonly linkMs: number
}

/** Far above what is asserted. */
const NOTICE_TIMEOUT_MS = 30_000

/** Traffic, or silence, before it happens. */
const BEFORE_MS = 1_000

/** `b` dies, `a` notices. Afterwards both are there again, as before. */
export async function die(place: Place, pair: Pair, kind: Kind, dialledBy: Restart['dialledBy']): Promise<Death> {
  const { carriage, way, traffic } = kind
  const { a, b } = pair
  if (traffic === 'sending') await a.ask('startEcho', b.peerId)
  await sleep(BEFORE_MS)
  const at = await begin(place, b, way)
  const { at: noticedAt, deadline = 0 } = await a.when(({ status }) => status === 'recovering', at, NOTICE_TIMEOUT_MS)
  const death = { recoveringMs: noticedAt - at, windowMs: deadline - noticedAt }
  if (way !== 'kill') {
    if (way === 'stop') b.thaw()
    else await place.hosts[1].restore()
    await whenSteady(pair, carriage)
    if (traffic === 'sending') await a.ask('stopEcho')
    return death
  }
  pair.b = await PeerProcess.start(b.host, b.init)
  expect(pair.b.peerId, 'the same peer again').toBe(b.peerId)
  const [dialler, other] = dialledBy === 'restarted' ? [pair.b, a] : [a, pair.b]
  const dialledAt = Date.now()
  const { ms } = await dialler.ask('dial', { peerId: other.peerId })
  // The survivor looks for it all the time, and may have found it before anybody dialled.
  const closed = await a.when(({ status }) => status === 'closed', at, NOTICE_TIMEOUT_MS)
  expect(closed.reason).toBe('LinkSupersededError')
  await whenSteady(pair, carriage)
  const restart = { dialledBy, supersededMs: Math.max(0, closed.at - dialledAt), linkMs: ms }
  return { ...death, restart }
}

async function begin({ hosts: [, host] }: Place, victim: PeerProcess, way: Way): Promise<number> {
  if (way === 'kill') return victim.kill()
  if (way === 'stop') return victim.freeze()
  const at = Date.now()
  await host.cut()
  return at
}

/** The same for js-libp2p alone, which has no such state: until it tells that the connection is closed. */
export async function stockNotices(place: Place, { a, b }: Pair, { way, traffic }: Kind): Promise<number> {
  if (traffic === 'sending') await a.ask('startEcho', b.peerId)
  await sleep(BEFORE_MS)
  const at = await begin(place, b, way)
  const using = (await a.ask('situation')).findLast(({ status }) => status !== 'closed')?.cause
  const closed = await a.when(({ status, cause }) => status === 'closed' && cause === using, at, STOCK_TIMEOUT_MS)
  return closed.at - at
}

const STOCK_TIMEOUT_MS = 120_000
