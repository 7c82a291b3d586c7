// Where link benches happen: two hosts behind NATs of their own, a relay on the public segment, and wires that take time.
import { createLab, type Host, type Lab } from '../../test/natlab/index.ts'
import { type LabRelay, openPeer, type Peer, type PeerKind, startLabRelay } from '../../test/natlab/peers/index.ts'
import { globalsOf, startPeople, startStockPeople } from '../../test/natlab/scenarios/pair.ts'
import { installProbe, type Tally } from './probe.ts'
import { startRelayIn } from './relay-in.ts'

export const RTT_MS = 30
/** A line as people have it: bulk fills it, and neither the lab's own core nor the peers' are what is measured. */
export const LINE_BITS_PER_SECOND = 50_000_000

/** As the systems of most people have it, whatever this machine's is: BBR stops for 200 ms every 10 s of load. */
export const TCP_CONGESTION = 'cubic'

export interface Place {
  readonly hosts: readonly [Host, Host]
  readonly relay: LabRelay
  close(): Promise<void>
}

export interface PlaceOptions {
  /** Between the two peers, directly and over the relay alike. */
  readonly rttMs: number
  /** Of each host's line, each way; as fast as the lab is if left out. */
  readonly lineBitsPerSecond?: number
  /** How TCP controls congestion. @default 'cubic' */
  readonly congestion?: string
  /** The peers' relay is a stock one with its limits, 2 min and 128 KiB a circuit. @default false */
  readonly stockRelay?: boolean
}

export async function createPlace({
  rttMs,
  lineBitsPerSecond,
  congestion = TCP_CONGESTION,
  stockRelay = false
}: PlaceOptions): Promise<Place> {
  const lab = await createLab({ congestion })
  try {
    const own = await startLabRelay(await lab.host({ name: 'relay' }))
    const relay = stockRelay ? await startStockRelay(lab, own) : own
    // A packet passes two of these wires each way, whichever path it takes: the relay's own takes no time.
    const impair = { delayMs: rttMs / 4, rateBitsPerSecond: lineBitsPerSecond }
    const host = async (name: string): Promise<Host> => lab.host({ name, behind: await lab.nat(), impair })
    const hosts = [await host('a'), await host('b')] as const
    return { hosts, relay, close: () => closeAll(lab, relay) }
  } catch (err) {
    await lab.close()
    throw err
  }
}

/** It has no STUN: ours answers that. */
async function startStockRelay(lab: Lab, own: LabRelay): Promise<LabRelay> {
  const { multiaddrs, stop } = await startRelayIn(await lab.host({ name: 'stock relay' }), { stock: true })
  return {
    multiaddrs,
    stunUrl: own.stunUrl,
    async stop() {
      await Promise.all([stop(), own.stop()])
    }
  }
}

async function closeAll(lab: Lab, relay: LabRelay): Promise<void> {
  try {
    await relay.stop()
  } finally {
    await lab.close()
  }
}

/** The first one dials and sends. */
export type PairKind = readonly [PeerKind, PeerKind]

const kindsOfPeers: readonly PeerKind[] = ['node', 'chromium', 'firefox']

/** Of `chromium-firefox` and the like. @throws {RangeError} */
export function pairOf(text = 'node-node'): PairKind {
  const kinds = text.split('-') as PeerKind[]
  if (kinds.length !== 2 || kinds.some((kind) => !kindsOfPeers.includes(kind))) {
    throw new RangeError(`--pair ${text} must be two of ${kindsOfPeers.join(', ')}, such as chromium-firefox`)
  }
  return kinds as unknown as PairKind
}

export interface Pair {
  readonly a: Peer
  readonly b: Peer
  readonly peerIdOfB: string
  close(): Promise<void>
}

/** Two new peers, reserved at the relay, with a probe in each; nobody has dialled yet. */
export async function openPair({ hosts, relay }: Place, kinds: PairKind, stock = false): Promise<Pair> {
  const opened = await Promise.allSettled(
    kinds.map((kind, side) => openPeer(hosts[side as 0 | 1], { kind, stock, globals: globalsOf(relay) }))
  )
  const peers = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const close = async (): Promise<void> => {
    await Promise.all(peers.map((peer) => peer.close()))
  }
  try {
    for (const one of opened) if (one.status === 'rejected') throw one.reason
    const [a, b] = peers as [Peer, Peer]
    const [, peerIdOfB = ''] = await (stock ? startStockPeople(a, b) : startPeople(a, b))
    await Promise.all([a, b].map((peer) => peer.evaluate(installProbe)))
    await b.evaluate((stock) => probe.serve(stock ? stockPerson.node : person.node), stock)
    return { a, b, peerIdOfB, close }
  } catch (err) {
    await close()
    throw err
  }
}

export function tallyOf(peer: Peer): Promise<Tally> {
  return peer.evaluate(() => probe.tally())
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
