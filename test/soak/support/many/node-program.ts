// The node under test: a link to each of many peers, an echo on each at a fixed rate, and the times they take.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createNode, type HoldfastNode } from '../../../../src/index.ts'
import { Echoes } from './echoes.ts'
import { serve } from './program.ts'
import { type Contact, ECHO, SINK, SOURCE } from './protocols.ts'

const SOURCE_CHUNK_BYTES = 65_536

/** Peers that misbehave are given this long; those in order take some milliseconds. */
const DIAL_TIMEOUT_MS = 5_000

let node: HoldfastNode
const echoes = new Echoes()

export interface Measured {
  /** Milliseconds from `send` to the answer, of the peers asked for. */
  readonly echoesMs: number[]
  /** Sent to these peers and not answered within the time. */
  readonly missing: number
  readonly cpuMs: number
  readonly elapsedMs: number
  /** The longest time for which the event loop did nothing else. */
  readonly longestTaskMs: number
  readonly heapBytes: number
}

const handlers = {
  async start({ relays }: { relays: string[] }): Promise<Contact> {
    node = await createNode({ relays, listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
    await node.handle(ECHO, (stream) => {
      stream.addEventListener('message', ({ data }) => {
        if (!stream.send(data)) {
          stream.pause()
          stream.addEventListener('drain', () => stream.resume(), { once: true })
        }
      })
    })
    await node.handle(SINK, (stream) => stream.addEventListener('message', () => {}))
    const address = node.getMultiaddrs().find((address) => !address.toString().includes('p2p-circuit'))
    return { peerId: node.peerId.toString(), address: address?.toString() }
  },

  /** A link and an echo stream each. */
  async dial(contacts: Contact[]): Promise<void> {
    await Promise.all(contacts.map(open))
  },

  /** Waits until these have a direct path by WebRTC. */
  async direct({ peers, timeoutMs }: { peers: string[]; timeoutMs: number }): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs)
    await Promise.all(peers.map((id) => linkOf(id)?.whenDirect({ signal })))
  },

  /** Echoes to peers that are going to misbehave, or do so already. */
  async tryToTalk(peers: string[]): Promise<void> {
    await Promise.all(peers.map((peerId) => open({ peerId }).catch(() => {})))
  },

  /** Sends to the peer for as long as it lives. */
  async flood(peerId: string): Promise<void> {
    const stream = await node.dialProtocol(peerIdFromString(peerId), SOURCE)
    const chunk = new Uint8Array(SOURCE_CHUNK_BYTES)
    const send = (): void => {
      while (stream.status === 'open' && stream.send(chunk));
    }
    stream.addEventListener('drain', send)
    send()
  },

  /** Every `intervalMs` one echo on each link, for some time; only those of `peers` are told of. */
  async measure({ peers, intervalMs, durationMs }: { peers: string[]; intervalMs: number; durationMs: number }) {
    const loop = monitorEventLoopDelay({ resolution: 2 })
    loop.enable()
    const cpu = process.cpuUsage()
    const start = performance.now()
    const { echoesMs, missing } = await echoes.run(peers, intervalMs, durationMs)
    const { user, system } = process.cpuUsage(cpu)
    loop.disable()
    const measured: Measured = {
      echoesMs,
      missing,
      cpuMs: (user + system) / 1_000,
      elapsedMs: performance.now() - start,
      longestTaskMs: loop.max / 1e6,
      heapBytes: process.memoryUsage().heapUsed
    }
    return measured
  },

  /** Ends the links to these without waiting for anything. */
  drop(peers: string[]): void {
    for (const id of peers) {
      echoes.remove(id)
      node.services.links.get(peerIdFromString(id))?.abort(new Error('dropped by the test'))
    }
  },

  /** What went wrong with the links to these, in words. */
  outages(peers: string[]): string[] {
    return peers.flatMap((id) => {
      const link = linkOf(id)
      if (link == null) return [`${id} has no link any more`]
      return link.history
        .filter(({ to }) => to === 'recovering')
        .map(({ at, cause }) => `${id} was lost at ${new Date(at).toISOString()}: ${cause}`)
    })
  }
}

function linkOf(id: string) {
  return node.services.links.get(peerIdFromString(id))
}

async function open({ peerId, address }: Contact): Promise<void> {
  const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS)
  const peer = peerIdFromString(peerId)
  const link = await node.services.links.dial(address == null ? peer : multiaddr(address), { signal })
  const stream: Stream = await link.connection.newStream(ECHO, { signal })
  echoes.add(peerId, stream)
}

export type NodeProgram = typeof handlers
serve(handlers)
