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

const LISTENER_PORT = 4001

/**
 * - `direct`: with a relayed path standing by
 * - `relayed`: no direct path is looked for
 * - `listener`: over a WebSocket to the second peer, which has an address of its own
 */
export type Carriage = 'direct' | 'relayed' | 'listener'

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

export async function createPlace(carriage?: Carriage): Promise<Place> {
  const lab = await createLab()
  try {
    const relayHost = await lab.host({ name: 'relay' })
    const relay = await startLabRelay(relayHost)
    const impair = { delayMs: RTT_MS / 4, rateBitsPerSecond: LINE_BITS_PER_SECOND }
    const host = async (name: string): Promise<Host> => lab.host({ name, behind: await lab.nat(), impair })
    const hosts = [
      await host('a'),
      carriage === 'listener' ? await lab.host({ name: 'b', impair }) : await host('b')
    ] as const
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
  const [hostOfA, hostOfB] = place.hosts
  const listen = carriage === 'listener' ? [`/ip4/${hostOfB.address}/tcp/${LISTENER_PORT}/ws`] : undefined
  const [a, b] = await Promise.all([PeerProcess.start(hostOfA, init), PeerProcess.start(hostOfB, { ...init, listen })])
  const pair: Pair = {
    a,
    b,
    async close() {
      await Promise.all([pair.a.end(), pair.b.end()])
    }
  }
  try {
    // A public address is none of its own to js-libp2p before somebody confirms it.
    const addresses = listen?.map((address) => `${address}/p2p/${b.peerId}`) ?? (await b.ask('addresses'))
    await a.ask('dial', { peerId: b.peerId, addresses })
    if (over.stock !== true) await whenSteady(pair, carriage)
    return pair
  } catch (err) {
    await pair.close()
    throw err
  }
}

const steady: Record<Carriage, readonly string[]> = {
  direct: ['relayed standby', 'webrtc active'],
  relayed: ['relayed active'],
  listener: ['websocket active']
}

/** Both are on the path that is meant, with the other one standing by where there is one. */
export async function whenSteady({ a, b }: Pair, carriage: Carriage): Promise<void> {
  await Promise.all([a, b].map((peer) => peer.whenPaths(steady[carriage], STEADY_TIMEOUT_MS)))
}
