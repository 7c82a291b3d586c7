// A pair that is sent from one path to the other and back, again and again, under one bulk transfer.
import type { Peer } from '../../test/natlab/peers/index.ts'
import { whenDirect } from '../../test/natlab/scenarios/pair.ts'
import { openPair, type PairKind, type Place, pause, tallyOf } from '../lab/place.ts'
import type { Tally } from '../lab/probe.ts'

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
        await leaveDirectPath(b)
        await Promise.all([whenStatus(a, 'relayed'), whenStatus(b, 'relayed')])
        await b.evaluate(() => person.abortWebRTC())
      } else {
        relayRttMs = await a.evaluate(() => person.link.paths.find(({ kind }) => kind === 'relayed')?.rttMs ?? 0)
        failedUpgrades += await upgrade(a)
        await Promise.all([whenStatus(a, 'direct'), whenStatus(b, 'direct')])
      }
      await pause(HOLD_MS)
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

/**
 * There is no call for it. The receiver ends the session's stream on the direct carrier in an orderly way: what is in
 * flight arrives, and the sender hears of it one way later and goes on over the relay.
 */
async function leaveDirectPath(peer: Peer): Promise<void> {
  await peer.evaluate(async () => {
    const streams = person.node
      .getConnections(person.link.remotePeer)
      .filter(({ remoteAddr }) => remoteAddr.getComponents().some(({ name }) => name === 'webrtc'))
      .flatMap(({ streams }) => streams)
      .filter(({ protocol }) => protocol.startsWith('/holdfast/session/'))
    if (streams.length === 0) throw new Error('There is no direct path to leave')
    await Promise.all(streams.map((stream) => stream.close({ signal: AbortSignal.timeout(5_000) })))
  })
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
