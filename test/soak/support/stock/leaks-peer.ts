// What leaks-peer.ts is, with js-libp2p alone: connections begin and end as told, and what is left of them is counted.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { countListeners } from '../listeners.ts'
import { serveParent } from '../parent.ts'
import { type ProcessRemains, remainsOfProcess } from '../remains.ts'
import { anywhere, contactOf, dialStock, type StockContact, type StockWay, startStock } from './node.ts'

const ECHO = '/test/echo/1.0.0'
const ECHO_TIMEOUT_MS = 20_000
/** What stays longer than that stays. */
const SETTLED_WITHIN_MS = 20_000

export interface StockRemains extends ProcessRemains {
  readonly listeners: number
  readonly connections: number
  readonly dials: number
}

const listeners = countListeners()
let node: Libp2p

const commands = {
  async start(relays: string[]): Promise<StockContact> {
    node = await startStock({ relays })
    await node.handle(
      ECHO,
      (stream) => {
        stream.addEventListener('message', ({ data }) => void stream.send(data))
        stream.addEventListener('remoteCloseWrite', () => void stream.close().catch(() => {}))
      },
      anywhere
    )
    return contactOf(node)
  },

  async cycle({ to, way }: { to: StockContact; way: StockWay }): Promise<void> {
    const connection = await dialStock(node, to, way)
    const stream = await connection.newStream(ECHO, anywhere)
    await echoed(stream)
    await stream.close()
    // All of them: a direct connection is arranged over a relayed one.
    await node.hangUp(peerIdFromString(to.peerId))
  },

  async remains(): Promise<StockRemains> {
    const until = performance.now() + SETTLED_WITHIN_MS
    while (node.getConnections().length > 1 && performance.now() < until) await sleep(20)
    return {
      ...(await remainsOfProcess()),
      listeners: listeners.count(),
      connections: node.getConnections().length,
      dials: node.getDialQueue().length
    }
  }
}

export type StockLeaksCommands = typeof commands

serveParent(commands)

async function echoed(stream: Stream): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error('no echo')), ECHO_TIMEOUT_MS)
  stream.addEventListener('message', () => resolve(), { once: true })
  stream.send(new Uint8Array(1_000))
  await promise.finally(() => clearTimeout(timer))
}
