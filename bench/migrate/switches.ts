// A pair that is sent from one path to the other and back, again and again, under one bulk transfer.
import type { Connection } from '@libp2p/interface'
import type { Peer } from '../../test/natlab/peers/index.ts'
import { whenDirect } from '../../test/natlab/scenarios/pair.ts'
import { openPair, type PairKind, type Place, pause, tallyOf } from '../lab/place.ts'
import type { Tally } from '../lab/probe.ts'
import { goaway } from './goaway.ts'

/** The sender sends on another kind of path from now on. */
export interface Switch {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly to: 'relayed' | 'direct'
}

export interface Run {
  readonly switches: readonly Switch[]
  readonly received: Tally
  readonly sentBytes: number
  /** Attempts at a direct path that failed and were made again. */
  readonly failedUpgrades: number
  /** The relayed path's round trip, with whatever waits in front of it. */
  readonly relayRttMs: number
  readonly timeline: readonly string[]
}

/** Each path is used this long at least, so that every switch has a time of its own. */
const HOLD_MS = 250
/** Shown in the timeline. */
const LONG_GAP_MS = 30
const SWITCHED_WITHIN_MS = 20_000
const DELIVERED_WITHIN_MS = 30_000
const FAILURES_IN_A_ROW = 5
/** As the link itself says it. */
const LEAVE_DUPLICATE = 1
const LEAVE_DELAY_MS = 1_000

export interface RunInit {
  readonly place: Place
  readonly kinds: PairKind
  readonly migrations: number
  readonly bytes: number
  log(line: string): void
}

export async function migrateBackAndForth({ place, kinds, migrations, bytes, log }: RunInit): Promise<Run> {
  const pair = await openPair(place, kinds)
  const { a, b, peerIdOfB } = pair
  try {
    await a.evaluate((peerId) => person.dial(peerId, 'first').then(() => {}), peerIdOfB)
    await Promise.all([whenDirect(a), whenDirect(b)])
    await a.evaluate(() => probe.startBulk(person.link.connection))
    await pause(2 * HOLD_MS)
    const startedAt = Date.now()
    let failedUpgrades = 0
    let relayRttMs = 0
    for (let done = 0; done < migrations; done++) {
      if (done % 2 === 0) {
        await sayGoodbye(b)
        await whenStatus(a, 'relayed')
        relayRttMs = await a.evaluate(() => person.link.paths.find(({ kind }) => kind === 'relayed')?.rttMs ?? 0)
        await pause(HOLD_MS)
        await endPathLeft(b)
      } else {
        failedUpgrades += await upgrade(a)
        await Promise.all([whenStatus(a, 'direct'), whenStatus(b, 'direct')])
        await pause(HOLD_MS)
      }
      if ((done + 1) % 100 === 0) log(`${done + 1} of ${migrations} switches after ${Date.now() - startedAt} ms`)
    }
    while ((await a.evaluate(() => probe.tally().sentBytes)) < bytes) await pause(HOLD_MS)
    const sentBytes = await a.evaluate(() => probe.stop())
    const deadline = Date.now() + DELIVERED_WITHIN_MS
    while ((await b.evaluate(() => probe.tally().inOrderBytes)) < sentBytes && Date.now() < deadline) await pause(50)
    const seen = (await a.evaluate(() => person.seen)).filter(({ at }) => at >= startedAt)
    const received = await tallyOf(b)
    const stalls = received.gaps
      .filter(({ from, to }) => from >= startedAt && to - from >= LONG_GAP_MS)
      .map(({ from, to }) => ({ at: from, what: `nothing delivered for ${Math.round(to - from)} ms` }))
    return {
      switches: switchesOf(seen),
      received,
      sentBytes,
      failedUpgrades,
      relayRttMs,
      timeline: [...seen, ...stalls]
        .sort((one, other) => one.at - other.at)
        .map(({ at, what }) => `${Math.round(at - startedAt)} ${what}`)
    }
  } finally {
    await pair.close()
  }
}

declare global {
  var carrierLeft: Connection | undefined
}

/**
 * There is no public call for a planned switch. The receiver says GOAWAY on the direct path, as a link does that leaves one
 * of two relayed paths, and goes on reading there: the sender's own link then moves. The frame is written here.
 */
async function sayGoodbye(peer: Peer): Promise<void> {
  const path = await peer.evaluate(() => person.link.paths.find(({ kind }) => kind === 'webrtc')?.id)
  if (path == null) throw new Error('There is no direct path to leave')
  await peer.evaluate(
    (frame) => {
      globalThis.carrierLeft = person.node
        .getConnections(person.link.remotePeer)
        .find(({ remoteAddr }) => remoteAddr.getComponents().some(({ name }) => name === 'webrtc'))
      const stream = carrierLeft?.streams.find(({ protocol }) => protocol.startsWith('/holdfast/session/'))
      if (stream == null) throw new Error('The direct path has no stream')
      stream.send(Uint8Array.from(frame))
    },
    goaway(Number(path), LEAVE_DUPLICATE, LEAVE_DELAY_MS)
  )
}

/** By now the sender has nothing on it any more. */
async function endPathLeft(peer: Peer): Promise<void> {
  await peer.evaluate(() => carrierLeft?.abort(new Error('the path was left')))
}

/** How many attempts failed before one succeeded. */
async function upgrade(peer: Peer): Promise<number> {
  for (let failures = 0; ; failures++) {
    const error = await peer.evaluate(() =>
      person.link.upgrade().then(
        () => undefined,
        (err: Error) => err.message
      )
    )
    if (error == null) return failures
    if (failures === FAILURES_IN_A_ROW) throw new Error(`The direct path did not come back: ${error}`)
  }
}

async function whenStatus(peer: Peer, status: 'relayed' | 'direct'): Promise<void> {
  const deadline = Date.now() + SWITCHED_WITHIN_MS
  while ((await peer.evaluate(() => person.link.state.status)) !== status) {
    if (Date.now() > deadline) throw new Error(`A peer was not ${status} within ${SWITCHED_WITHIN_MS} ms`)
    await pause(5)
  }
}

/** From what the sender saw, `webrtc taken: …`; a second path of the same kind is no switch. */
export function switchesOf(seen: ReadonlyArray<{ at: number; what: string }>): Switch[] {
  const switches: Switch[] = []
  for (const { at, what } of seen) {
    const [, kind] = /^(\S+) taken:/.exec(what) ?? []
    if (kind == null) continue
    const to = kind === 'relayed' ? 'relayed' : 'direct'
    if (switches.at(-1)?.to !== to) switches.push({ at, to })
  }
  return switches
}
