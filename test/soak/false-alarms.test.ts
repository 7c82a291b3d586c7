// What is no death is not taken for one: silence between two messages, a busy process, a queue behind our own bytes.
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { findBrowsers } from '../../scripts/browsers.ts'
import { createLab, type Host, type Impairment, type Lab, whyNoLab } from '../natlab/index.ts'
import { endPeers, type LabRelay, openPeer, type Peer, type PeerKind, startLabRelay } from '../natlab/peers/index.ts'
import { amount, isFull, percentile, record } from './support/soak.ts'
import { installWatcher, type Watched } from './support/watcher.ts'

const why = await whyNoLab()
const { chromium, firefox } = await findBrowsers()

const RTT_MS = 30
const IDLE_LINKS = 10
const IDLE_GAPS = amount(1, 10)
const IDLE_GAP_MS = 8_000
const STALLS = amount(1, 5)
const STALL_MS = 2_000
/** What happens because of a stall happens within this time after it. */
const AFTERMATH_MS = amount(1_000, 3_000)
const ECHO_EVERY_MS = 20
const BULK_MS = amount(4_000, 20_000)
/** Bulk fills it, and neither the lab nor this machine is what is measured. */
const LINE_BITS_PER_SECOND = 20_000_000

let lab: Lab
let relay: LabRelay

beforeAll(async () => {
  if (why != null) return
  lab = await createLab()
  relay = await startLabRelay(await lab.host({ name: 'relay' }))
})

afterAll(async () => {
  if (why != null) return
  await relay.stop()
  await lab.close()
}, 60_000)

interface PairInit {
  readonly kinds?: readonly [PeerKind, PeerKind]
  readonly impair?: Impairment
  readonly upgrade?: 'auto' | 'never'
  readonly links?: number
}

/** Behind NATs of their own; linked, and watched from here on. */
async function startPair({
  kinds = ['node', 'node'],
  impair,
  upgrade = 'auto',
  links = 1
}: PairInit = {}): Promise<[Peer, Peer]> {
  const hosts: Host[] = []
  for (const name of ['a', 'b']) {
    hosts.push(
      await lab.host({
        name,
        behind: await lab.nat(),
        impair: impair ?? { delayMs: RTT_MS / 4, rateBitsPerSecond: LINE_BITS_PER_SECOND }
      })
    )
  }
  onTestFinished(() => endPeers(...hosts))
  const { multiaddrs: relays, stunUrl } = relay
  const peers = await Promise.all(hosts.map((host, side) => openPeer(host, { kind: kinds[side as 0 | 1] })))
  const ids = await Promise.all(
    peers.map(async (peer) => {
      await peer.evaluate(installWatcher)
      const argument = { init: { relays, stunServers: [stunUrl], upgrade }, links }
      return peer.evaluate(({ init, links }) => watcher.start(init, links), argument)
    })
  )
  const [a, b] = peers as [Peer, Peer]
  await a.evaluate((peerIds) => watcher.dial(peerIds), ids[1]!)
  const paths = upgrade === 'auto' ? 2 : 1
  await Promise.all(peers.map((peer) => peer.evaluate((paths) => watcher.watch(paths), paths)))
  return [a, b]
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

interface Seen {
  readonly a: readonly Watched[]
  readonly b: readonly Watched[]
}

async function seenBy([a, b]: [Peer, Peer]): Promise<Seen> {
  const [ofA, ofB] = await Promise.all([a, b].map((peer) => peer.evaluate(() => watcher.watched())))
  return { a: ofA!, b: ofB! }
}

function judge(name: string, { a, b }: Seen, hasStandby = true): void {
  const all = [...a, ...b]
  const moves = all.flatMap(({ moves }) => moves)
  const changes = all.flatMap(({ changes }) => changes)
  const suspicions = all.flatMap(({ suspicions }) => suspicions)
  const rttsMs = a.flatMap((one) => one.rttsMs)
  record(name, {
    moves: moves.length,
    stateChanges: changes.length,
    suspicions: suspicions.length,
    echoes: rttsMs.length,
    rttMsP50: Math.round(percentile(rttsMs, 0.5)),
    rttMsP99: Math.round(percentile(rttsMs, 0.99)),
    rttMsMax: Math.round(Math.max(...rttsMs)),
    bulkBytes: b.reduce((sum, one) => sum + one.receivedBytes, 0)
  })
  // The only path is suspect as soon as it is silent: there is none to compare it with, and another one is looked for.
  const alarms = hasStandby ? suspicions : []
  expect({ moves, changes, alarms }, name).toEqual({ moves: [], changes: [], alarms: [] })
}

describe.skipIf(why != null)('no false alarm', () => {
  it(`${IDLE_LINKS} links that say nothing for ${IDLE_GAP_MS} ms, ${IDLE_GAPS} times`, async () => {
    const pair = await startPair({ links: IDLE_LINKS })
    for (let i = 0; i < IDLE_GAPS; i++) {
      await pair[0].evaluate(() => watcher.echoOnce())
      await pause(IDLE_GAP_MS)
    }
    await pair[0].evaluate(() => watcher.echoOnce())
    judge(`${IDLE_LINKS * IDLE_GAPS} idle gaps`, await seenBy(pair))
  })

  const traffics = isFull ? (['echo', 'echo and bulk'] as const) : (['echo and bulk'] as const)
  const kindsOfPairs: Array<readonly [PeerKind, PeerKind]> = [['node', 'node']]
  if (isFull && chromium != null) kindsOfPairs.push(['chromium', 'node'])
  if (isFull && firefox != null) kindsOfPairs.push(['node', 'firefox'])
  if (isFull && chromium != null && firefox != null) kindsOfPairs.push(['firefox', 'chromium'])
  const stalls = kindsOfPairs.flatMap((kinds) =>
    (['auto', 'never'] as const).flatMap((upgrade) => traffics.map((traffic) => ({ kinds, upgrade, traffic })))
  )

  it.for(stalls)('a stall of 2 s: $kinds, upgrade $upgrade, $traffic', async ({ kinds, upgrade, traffic }) => {
    const pair = await startPair({ kinds, upgrade })
    const [a] = pair
    await a.evaluate((everyMs) => watcher.startEchoes(everyMs), ECHO_EVERY_MS)
    if (traffic === 'echo and bulk') await a.evaluate(() => watcher.startBulk())
    await pause(AFTERMATH_MS)
    for (let i = 0; i < STALLS; i++) {
      for (const peer of pair) {
        await peer.evaluate((ms) => watcher.stall(ms), STALL_MS)
        await pause(AFTERMATH_MS)
      }
    }
    await a.evaluate(() => watcher.stop())
    judge(
      `stall of ${STALL_MS} ms, ${kinds.join('-')}, ${upgrade === 'auto' ? 'direct' : 'relayed'}, ${traffic}`,
      await seenBy(pair),
      upgrade === 'auto'
    )
  })

  const Mbit = 1_000_000
  const wire = (rateBitsPerSecond: number, queueMs?: number) => ({ delayMs: RTT_MS / 4, rateBitsPerSecond, queueMs })
  const lines: Record<string, Impairment> = {
    '1 Mbit/s, queue of 1 s': wire(Mbit, 1_000),
    ...(isFull
      ? {
          '1 Mbit/s': wire(Mbit),
          '10 Mbit/s': wire(10 * Mbit),
          '10 Mbit/s, queue of 1 s': wire(10 * Mbit, 1_000),
          '1 Mbit/s up, 10 down, queue of 1 s': { up: wire(Mbit, 1_000), down: wire(10 * Mbit, 1_000) }
        }
      : {})
  }
  const queues = Object.entries(lines).flatMap(([line, impair]) =>
    (isFull ? (['auto', 'never'] as const) : (['auto'] as const)).map((upgrade) => ({ line, impair, upgrade }))
  )

  it.for(queues)('bulk of our own: $line, upgrade $upgrade', async ({ line, impair, upgrade }) => {
    const pair = await startPair({ impair, upgrade })
    const [a] = pair
    await a.evaluate((everyMs) => watcher.startEchoes(everyMs), ECHO_EVERY_MS)
    await a.evaluate(() => watcher.startBulk())
    await pause(BULK_MS)
    await a.evaluate(() => watcher.stop())
    judge(`bulk over ${line}, ${upgrade === 'auto' ? 'direct' : 'relayed'}`, await seenBy(pair), upgrade === 'auto')
  })
})
