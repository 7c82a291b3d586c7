// One silent death: a new pair, a direct path, traffic; then every UDP packet vanishes for 5 s, and comes through again.
import type { Peer } from '../../test/natlab/peers/index.ts'
import { whenDirect } from '../../test/natlab/scenarios/pair.ts'
import { longestGapMs } from '../lab/gaps.ts'
import { openPair, type Pair, type PairKind, type Place, pause, tallyOf } from '../lab/place.ts'
import type { Tally } from '../lab/probe.ts'

export type Traffic = 'echo' | 'bulk'

export interface Kill {
  readonly traffic: Traffic
  /** Longest time between two deliveries after the cut; if there was none after it, until the application was told, or we gave up. */
  readonly gapMs: number
  /** The same, before the cut: what the machine does by itself. */
  readonly quietGapMs: number
  /** What `send()` took and never arrived in order. */
  readonly bytesLost: number
  readonly sentBytes: number
  /** From the end of the cut until both sides send directly again; undefined if they did not. */
  readonly directAgainMs: number | undefined
  /** Whether anything was delivered after the gap. */
  readonly resumed: boolean
  readonly timeline: readonly Happening[]
}

export interface Happening {
  /** Milliseconds since the cut. */
  readonly at: number
  readonly text: string
}

export interface KillInit {
  readonly place: Place
  readonly kinds: PairKind
  readonly traffic: Traffic
  /** How long UDP vanishes. */
  readonly cutMs: number
  /** The relayed path was given up, as it is where the relay's limits are small: it is dialled when it is needed. */
  readonly cold?: boolean
  /** From the first traffic to its end nobody else has any. @default alone anyway */
  readonly inTurn?: <T>(run: () => Promise<T>) => Promise<T>
}

const WARM_UP_MS = 2_000
/** A standby is given up after 30 s of silence. */
const COLD_WITHIN_MS = 60_000
/** Told of in the timeline. */
const LONG_GAP_MS = 100
/** Traffic goes on after everything is well again: the way back may stall too. */
const AFTERMATH_MS = 1_000
const DIRECT_AGAIN_WITHIN_MS = 30_000
const DELIVERED_WITHIN_MS = 20_000
/** Stock peers notice after 7 to 14 s, and what they had sent on a wire that is well again comes with SCTP's backoff. */
const STOCK_WATCH_MS = 20_000

export async function killOurs(init: KillInit): Promise<Kill> {
  const { place, kinds, cold = false, inTurn = (run) => run() } = init
  const pair = await openPair(place, kinds)
  const { a, b, peerIdOfB } = pair
  try {
    await a.evaluate((peerId) => person.dial(peerId, 'first').then(() => {}), peerIdOfB)
    await Promise.all([whenDirect(a), whenDirect(b)])
    if (cold) await Promise.all([whenCold(a), whenCold(b)])
    return await inTurn(() => killDirect(init, pair))
  } finally {
    await pair.close()
  }
}

async function killDirect({ place, traffic, cutMs, cold = false }: KillInit, pair: Pair): Promise<Kill> {
  const { a, b } = pair
  await start(a, traffic)
  // Less than what makes a cold standby a hot one again.
  await pause(WARM_UP_MS)
  const wanted = cold ? 'cold' : 'hot'
  const standby = await standbyOf(a)
  if (standby !== wanted) throw new Error(`Before the cut the standby was '${standby}', not ${wanted}`)
  const { cutAt, healedAt } = await cut(place, cutMs)
  const direct = await Promise.all([a, b].map((peer) => directAgainAt(peer, healedAt)))
  await pause(AFTERMATH_MS)
  const outcome = await finish(pair, traffic, cutAt)
  const directAgainMs = direct.some((at) => at == null) ? undefined : Math.max(...direct.map((at) => at! - healedAt))
  const timeline = [...outcome.timeline, ...(await seenBy(a, 'a', cutAt)), ...(await seenBy(b, 'b', cutAt))]
  return { ...outcome, directAgainMs, timeline: timeline.sort((one, other) => one.at - other.at) }
}

function standbyOf(peer: Peer): Promise<string> {
  return peer.evaluate(() => (person.link.state.status === 'direct' ? person.link.state.standby : ''))
}

async function whenCold(peer: Peer): Promise<void> {
  const deadline = Date.now() + COLD_WITHIN_MS
  while ((await standbyOf(peer)) !== 'cold') {
    if (Date.now() > deadline) throw new Error(`The standby was not given up within ${COLD_WITHIN_MS} ms`)
    await pause(100)
  }
}

/** js-libp2p alone, in the same place; the stream runs on its WebRTC connection. */
export async function killStock({ place, kinds, traffic, cutMs }: KillInit): Promise<Kill> {
  const pair = await openPair(place, kinds, true)
  const { a, peerIdOfB } = pair
  try {
    const { status } = await a.evaluate((peerId) => stockPerson.dial(peerId), peerIdOfB)
    if (status !== 'direct') throw new Error('The control did not become direct')
    await start(a, traffic, peerIdOfB)
    await pause(WARM_UP_MS)
    const { cutAt, healedAt } = await cut(place, cutMs)
    const deadline = healedAt + STOCK_WATCH_MS
    while (Date.now() < deadline && !(await isDecided(pair, traffic, healedAt))) await pause(200)
    await pause(AFTERMATH_MS)
    return { ...(await finish(pair, traffic, cutAt)), directAgainMs: undefined }
  } finally {
    await pair.close()
  }
}

async function start(a: Peer, traffic: Traffic, stockPeerId?: string): Promise<void> {
  await a.evaluate(
    ({ traffic, stockPeerId }) => {
      const connection =
        stockPeerId == null
          ? person.link.connection
          : stockPerson.node
              .getConnections()
              .find((one) => one.remotePeer.toString() === stockPeerId && one.remoteAddr.toString().includes('/webrtc'))
      if (connection == null) throw new Error('There is no connection to send over')
      return traffic === 'echo' ? probe.startEcho(connection) : probe.startBulk(connection)
    },
    { traffic, stockPeerId }
  )
}

async function cut({ hosts: [host] }: Place, cutMs: number): Promise<{ cutAt: number; healedAt: number }> {
  const cutAt = Date.now()
  await host.cut({ only: 'udp' })
  await pause(cutMs)
  await host.restore()
  return { cutAt, healedAt: Date.now() }
}

/** Both were told of the end, or it goes on. */
async function isDecided({ a, b }: Pair, traffic: Traffic, healedAt: number): Promise<boolean> {
  const [sender, other] = await Promise.all([tallyOf(a), tallyOf(b)])
  const received = traffic === 'echo' ? sender : other
  return [sender, other].every(({ ended }) => ended != null) || received.lastAt > healedAt
}

async function directAgainAt(peer: Peer, healedAt: number): Promise<number | undefined> {
  const deadline = healedAt + DIRECT_AGAIN_WITHIN_MS
  while (Date.now() < deadline) {
    const at = await peer.evaluate(
      (healedAt) =>
        person.link.state.status === 'direct'
          ? person.seen.find(({ at, what }) => at >= healedAt && what.startsWith('direct:'))?.at
          : undefined,
      healedAt
    )
    if (at != null) return at
    await pause(100)
  }
  return undefined
}

async function finish({ a, b }: Pair, traffic: Traffic, cutAt: number): Promise<Omit<Kill, 'directAgainMs'>> {
  const sentBytes = await a.evaluate(() => probe.stop())
  const receiver = traffic === 'echo' ? a : b
  const deadline = Date.now() + DELIVERED_WITHIN_MS
  let received = await tallyOf(receiver)
  while (received.inOrderBytes < sentBytes && received.ended == null && Date.now() < deadline) {
    await pause(50)
    received = await tallyOf(receiver)
  }
  return judge({ traffic, sentBytes, received, sender: await tallyOf(a), cutAt, now: Date.now() })
}

export interface Watched {
  readonly traffic: Traffic
  readonly sentBytes: number
  /** Of whom the bytes arrive at; with an echo, that is the sender. */
  readonly received: Tally
  readonly sender: Tally
  readonly cutAt: number
  readonly now: number
}

export function judge({ traffic, sentBytes, received, sender, cutAt, now }: Watched): Omit<Kill, 'directAgainMs'> {
  const bytesLost = sentBytes - received.inOrderBytes
  const told = [received.ended, sender.ended].flatMap((ended) => ended ?? [])
  // Only one that lost nothing has no stall at its end: what comes after is that nothing more was sent.
  const openEnd = bytesLost === 0 ? 0 : Math.min(now, ...told.map(({ at }) => at)) - received.lastAt
  const gapMs = Math.max(longestGapMs(received.gaps, cutAt, Number.POSITIVE_INFINITY), openEnd)
  return {
    traffic,
    gapMs,
    quietGapMs: longestGapMs(
      received.gaps.filter(({ to }) => to <= cutAt),
      0,
      cutAt
    ),
    bytesLost,
    sentBytes,
    resumed: received.gaps.some((gap) => gap.from >= cutAt - 1_000 && gap.to - gap.from >= gapMs),
    timeline: [
      ...received.gaps
        .filter(({ from, to }) => to >= cutAt && to - from >= LONG_GAP_MS)
        .map(({ from, to }) => ({ at: from, text: `nothing delivered for ${Math.round(to - from)} ms` })),
      ...told.map(({ at, cause }) => ({ at, text: `a stream ended: ${cause}` }))
    ].map(({ at, text }) => ({ at: at - cutAt, text }))
  }
}

async function seenBy(peer: Peer, who: string, cutAt: number): Promise<Happening[]> {
  const seen = await peer.evaluate(() => person.seen)
  return seen
    .filter(({ at }) => at >= cutAt - WARM_UP_MS)
    .map(({ at, what }) => ({ at: at - cutAt, text: `${who} ${what}` }))
}
