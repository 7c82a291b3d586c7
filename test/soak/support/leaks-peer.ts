// A peer in a process of its own, whose heap is its alone: begins and ends links as told, and counts what is left of them.
import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { createNode, type HoldfastNode, type Link } from '../../../src/index.ts'
import { carriers } from './carriers.ts'
import { countListeners } from './listeners.ts'
import { serveParent } from './parent.ts'
import { type Remains, remainsOfProcess } from './remains.ts'

const ECHO = '/test/echo/1.0.0'
/** As pages of tests have it. */
const ECHO_OF_PAGES = '/holdfast-test/echo/1.0.0'
/** Whoever is asked for this aborts the link. */
const LEAVE = '/test/leave/1.0.0'
const MAX_UPGRADES = 3
const DIRECT_TIMEOUT_MS = 30_000
const ECHO_TIMEOUT_MS = 20_000

/** How a cycle uses its link, and how that ends. */

export type Way = 'direct' | 'relayed' | 'switched' | 'cut' | 'left by the peer'

const listeners = countListeners()
let node: HoldfastNode

const commands = {
  async start(relays: string[]): Promise<string> {
    node = await createNode({ relays })
    await node.handle([ECHO, ECHO_OF_PAGES], (stream) => {
      stream.addEventListener('message', ({ data }) => stream.send(data))
      stream.addEventListener('remoteCloseWrite', () => void stream.close().catch(() => {}))
    })
    await node.handle(LEAVE, (_stream, { remotePeer }) => {
      node.services.links.get(remotePeer)?.abort(new Error('the peer leaves'))
    })
    return node.peerId.toString()
  },

  /** A link with this peer, from the dial to the end that `way` has. */
  async cycle({ peer, way }: { peer: string; way: Way }): Promise<void> {
    const id = peerIdFromString(peer)
    const link = await node.services.links.dial(id)
    const stream = await link.connection.newStream(ECHO)
    await echoed(stream)
    if (way === 'relayed') return link.close()
    await whenDirect(link)
    await echoed(stream)
    if (way === 'switched') await switchBack(link, id, stream)
    if (way === 'cut') return cut(link, id)
    if (way === 'left by the peer') return askedToLeave(link)
    await link.close()
  },

  /** One link, sent from its direct path to the relayed one and back again and again. */
  async openLink(peer: string): Promise<void> {
    const link = await node.services.links.dial(peerIdFromString(peer))
    await whenDirect(link)
  },

  async migrate({ peer, times }: { peer: string; times: number }): Promise<void> {
    const id = peerIdFromString(peer)
    const link = node.services.links.get(id)
    if (link == null) throw new Error('the link is gone')
    await whenDirect(link)
    const stream = await link.connection.newStream(ECHO)
    try {
      for (let i = 0; i < times; i++) await switchBack(link, id, stream)
      await stream.close()
    } catch (cause) {
      const story = link.history.map(({ at, from, to, cause }) => `${at} ${from}->${to} (${cause})`)
      throw new Error(`${(cause as Error).message}, after ${story.slice(-8).join(', ')}`, { cause })
    }
  },

  /** When nothing of the links is left to end; collected. */
  async remains({ links }: { links: number }): Promise<Remains> {
    await settled(links)
    const process = await remainsOfProcess()
    const peers = await node.peerStore.all()
    return {
      ...process,
      listeners: listeners.count(),
      connections: node.getConnections().length,
      dials: node.getDialQueue().length,
      links: node.services.links.all().length,
      knownPeers: peers.length
    }
  },

  async stop(): Promise<void> {
    await node.stop()
  }
}

export type LeaksPeerCommands = typeof commands

serveParent(commands)

async function whenDirect(link: Link): Promise<void> {
  await link.whenDirect({ signal: AbortSignal.timeout(DIRECT_TIMEOUT_MS) })
}

async function echoed(stream: Stream): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error('no echo')), ECHO_TIMEOUT_MS)
  const onMessage = (): void => resolve()
  stream.addEventListener('message', onMessage)
  stream.send(new Uint8Array(1_000))
  try {
    await promise
  } finally {
    clearTimeout(timer)
    stream.removeEventListener('message', onMessage)
  }
}

async function switchBack(link: Link, peer: PeerId, stream: Stream): Promise<void> {
  carriers(node, peer, 'webrtc')[0]?.abort(new Error('cut by the test'))
  await echoed(stream)
  // A kind of path that dies again and again is left alone for a while, unless somebody asks for it.
  for (let attempt = 1; link.state.status !== 'direct'; attempt++) {
    await link.upgrade().catch((err) => {
      if (attempt === MAX_UPGRADES) throw err
    })
  }
  await echoed(stream)
}

/** Nobody says good-bye: the carriers end first. */
function cut(link: Link, peer: PeerId): void {
  for (const carrier of carriers(node, peer)) carrier.abort(new Error('cut by the test'))
  link.abort(new Error('cut by the test'))
}

async function askedToLeave(link: Link): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  link.addEventListener('link:state', ({ detail: { state } }) => {
    if (state.status === 'closed') resolve()
  })
  link.connection.newStream(LEAVE).catch(() => {})
  await promise
}

async function settled(links: number): Promise<void> {
  const until = performance.now() + DIRECT_TIMEOUT_MS
  // The relay's, and of each link the durable one with two carriers.
  const isSettled = (): boolean =>
    node.services.links.all().length === links && node.getConnections().length === 1 + 3 * links
  while (!isSettled()) {
    if (performance.now() > until) {
      const left = node.getConnections().map(({ remoteAddr, status }) => `${remoteAddr} ${status}`)
      const states = node.services.links.all().map(({ state, history }) => JSON.stringify([state, history]))
      throw new Error(`still there: ${[...left, ...states].join(', ')}`)
    }
    await sleep(20)
  }
}
