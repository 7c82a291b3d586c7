// Two nodes in a process of their own that stop while something is under way: the process must then end by itself.
import type { PeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createNode, type HoldfastNode, type Link } from '../../../src/index.ts'
import { carriers } from './carriers.ts'
import { serveParent } from './parent.ts'

export type Situation = 'after links' | 'while dialling' | 'while upgrading' | 'while recovering'

/** A relay that is nowhere (RFC 5737, TEST-NET-1). */
const nowhere = (relay: PeerId, peer: PeerId): Multiaddr =>
  multiaddr(`/ip4/192.0.2.1/tcp/9/ws/p2p/${relay}/p2p-circuit/p2p/${peer}`)

interface Pair {
  readonly a: HoldfastNode
  readonly b: HoldfastNode
  /** Nothing is reachable from now on. */
  cut(): void
}

async function startPair(relays: string[]): Promise<Pair> {
  let isCut = false
  const connectionGater = { denyDialMultiaddr: () => isCut }
  const [a, b] = await Promise.all([1, 2].map(() => createNode({ relays, libp2p: { connectionGater } })))
  return {
    a: a!,
    b: b!,
    cut() {
      isCut = true
      for (const carrier of carriers(a!, b!.peerId)) carrier.abort(new Error('cut by the test'))
    }
  }
}

const situations: Record<Situation, (pair: Pair, links: number) => Promise<void>> = {
  async 'after links'({ a, b }, links) {
    for (let i = 0; i < links; i++) {
      const link = await a.services.links.dial(b.peerId)
      await link.whenDirect({ signal: AbortSignal.timeout(30_000) })
      await link.close()
    }
  },

  async 'while dialling'({ a, b }) {
    const other = await createNode()
    a.services.links.dial(b.peerId).catch(() => {})
    other.services.links.dial(nowhere(a.peerId, b.peerId)).catch(() => {})
    // Both are on their way.
    await new Promise(setImmediate)
    await other.stop()
  },

  async 'while upgrading'({ a, b }) {
    const link = await a.services.links.dial(b.peerId)
    await until(link, ({ state }) => state.status === 'relayed' && state.upgrade.status === 'trying')
  },

  async 'while recovering'({ a, b, cut }) {
    const link = await a.services.links.dial(b.peerId)
    await link.whenDirect({ signal: AbortSignal.timeout(30_000) })
    cut()
    await until(link, ({ state }) => state.status === 'recovering')
  }
}

async function until(link: Link, isThere: (link: Link) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = (): void => {
    if (isThere(link)) resolve()
  }
  link.addEventListener('link:state', look)
  look()
  await promise
}

const commands = {
  async stopped({ relays, situation, links }: { relays: string[]; situation: Situation; links: number }) {
    const pair = await startPair(relays)
    await situations[situation](pair, links)
    await Promise.all([pair.a.stop(), pair.b.stop()])
  }
}

export type EndingCommands = typeof commands

serveParent(commands)
