// Where outages happen: two peers behind NATs of their own, a relay on the public segment, wires that take time.
import { createLab, type Host, type Lab, whyNoLab } from '../../../natlab/index.ts'
import { type LabRelay, startLabRelay } from '../../../natlab/peers/index.ts'
import { PeerProcess } from './peer.ts'
import type { PeerInit } from './traffic.ts'

export const RTT_MS = 30
/** Bulk fills it, and this machine's cores are not what is measured. */
const LINE_BITS_PER_SECOND = 20_000_000

/** A direct path that died is tried again with backoff. */
const STEADY_TIMEOUT_MS = 30_000

/** `direct`: with a relayed path standing by; `relayed`: no direct path is looked for. */
export type Carriage = 'direct' | 'relayed'

export interface Place {
  readonly lab: Lab
  readonly hosts: readonly [Host, Host]
  readonly relayHost: Host
  readonly relay: LabRelay
  close(): Promise<void>
}

export interface Pair {
  a: PeerProcess
  b: PeerProcess
  close(): Promise<void>
}

export const whyNot = await whyNoLab()

export async function createPlace(): Promise<Place> {
  const lab = await createLab()
  try {
    const relayHost = await lab.host({ name: 'relay' })
    const relay = await startLabRelay(relayHost)
    const impair = { delayMs: RTT_MS / 4, rateBitsPerSecond: LINE_BITS_PER_SECOND }
    const host = async (name: string): Promise<Host> => lab.host({ name, behind: await lab.nat(), impair })
    const hosts = [await host('a'), await host('b')] as const
    return {
      lab,
      hosts,
      relayHost,
      relay,
      async close() {
        await relay.stop().finally(() => lab.close())
      }
    }
  } catch (err) {
    await lab.close()
    throw err
  }
}

export function peerInit({ relay }: Place, carriage: Carriage, over: Partial<PeerInit> = {}): Omit<PeerInit, 'key'> {
  return {
    relays: relay.multiaddrs,
    stunUrl: relay.stunUrl,
    upgrade: carriage === 'direct' ? 'auto' : 'never',
    ...over
  }
}

/** Two new peers with a link, or a connection, between them: `a` dialled. */
export async function openPair(place: Place, carriage: Carriage, over: Partial<PeerInit> = {}): Promise<Pair> {
  const init = peerInit(place, carriage, over)
  const [a, b] = (await Promise.all(place.hosts.map((host) => PeerProcess.start(host, init)))) as [
    PeerProcess,
    PeerProcess
  ]
  const pair: Pair = {
    a,
    b,
    async close() {
      await Promise.all([pair.a.end(), pair.b.end()])
    }
  }
  try {
    await a.ask('dial', { peerId: b.peerId, addresses: await b.ask('addresses') })
    if (over.stock !== true) await whenSteady(pair, carriage)
    return pair
  } catch (err) {
    await pair.close()
    throw err
  }
}

/** Both are on the path that is meant, with the other one standing by where there is one. */
export async function whenSteady({ a, b }: Pair, carriage: Carriage): Promise<void> {
  const wanted = carriage === 'direct' ? ['relayed standby', 'webrtc active'] : ['relayed active']
  await Promise.all([a, b].map((peer) => peer.whenPaths(wanted, STEADY_TIMEOUT_MS)))
}
