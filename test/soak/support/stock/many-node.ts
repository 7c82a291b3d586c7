// What node-program.ts is, with js-libp2p alone.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { Echoes } from '../many/echoes.ts'
import type { NodeProgram } from '../many/node-program.ts'
import { serve } from '../many/program.ts'
import { ECHO, SOURCE } from '../many/protocols.ts'
import { anywhere, startStock } from './node.ts'

const SOURCE_CHUNK_BYTES = 65_536
const DIAL_TIMEOUT_MS = 5_000

let node: Libp2p
const echoes = new Echoes()
/** Peers whose connection that was dialled has closed. */
const closed = new Map<string, string>()

const handlers: Pick<NodeProgram, 'start' | 'dial' | 'direct' | 'flood' | 'measure' | 'drop' | 'outages'> = {
  async start({ relays }) {
    node = await startStock({ relays, listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
    const address = node.getMultiaddrs().find((address) => !address.toString().includes('p2p-circuit'))
    return { peerId: node.peerId.toString(), address: address?.toString() }
  },

  async dial(contacts) {
    await Promise.all(
      contacts.map(async ({ peerId, address }) => {
        if (address == null) throw new Error('js-libp2p dials addresses')
        const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS)
        const connection = await node.dial(multiaddr(address), { signal })
        connection.addEventListener('close', () => closed.set(peerId, address))
        echoes.add(peerId, await connection.newStream(ECHO, { ...anywhere, signal }))
      })
    )
  },

  async direct({ peers }) {
    for (const id of peers) {
      const addresses = node.getConnections(peerIdFromString(id)).map(({ remoteAddr }) => remoteAddr.toString())
      if (!addresses.some((address) => address.includes('/webrtc'))) throw new Error(`${id} is reached by ${addresses}`)
    }
  },

  async flood(peerId) {
    const [connection] = node.getConnections(peerIdFromString(peerId))
    if (connection == null) throw new Error('not connected')
    const stream = await connection.newStream(SOURCE, anywhere)
    const chunk = new Uint8Array(SOURCE_CHUNK_BYTES)
    const send = (): void => {
      while (stream.status === 'open' && !stream.writableNeedsDrain && stream.send(chunk));
    }
    stream.addEventListener('drain', () => queueMicrotask(send))
    send()
  },

  async measure({ peers, intervalMs, durationMs }) {
    const loop = monitorEventLoopDelay({ resolution: 2 })
    loop.enable()
    const cpu = process.cpuUsage()
    const start = performance.now()
    const { echoesMs, missing } = await echoes.run(peers, intervalMs, durationMs)
    const { user, system } = process.cpuUsage(cpu)
    loop.disable()
    return {
      echoesMs,
      missing,
      cpuMs: (user + system) / 1_000,
      elapsedMs: performance.now() - start,
      longestTaskMs: loop.max / 1e6,
      heapBytes: process.memoryUsage().heapUsed
    }
  },

  drop(peers) {
    for (const id of peers) {
      echoes.remove(id)
      for (const connection of node.getConnections(peerIdFromString(id))) {
        connection.abort(new Error('dropped by the test'))
      }
    }
  },

  outages(peers) {
    return peers.filter((id) => closed.has(id)).map((id) => `${id} at ${closed.get(id)} is closed`)
  }
}

serve(handlers)
