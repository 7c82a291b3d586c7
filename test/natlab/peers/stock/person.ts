// What `Person` is, with js-libp2p alone: the same transports, encryption and muxer, used as its documentation has it.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const ECHO = '/holdfast-test/echo/1.0.0'
const BULK = '/holdfast-test/bulk/1.0.0'

/** `crypto.getRandomValues` gives no more at once. */
const CHUNK_BYTES = 65_536

const anywhere = { runOnLimitedConnection: true }

export interface StockInit {
  relays: string[]
  stunServers: string[]
}

export interface StockDial {
  /** Until the first byte of the answer. */
  answerMs: number
  status: 'direct' | 'relayed'
}

export interface StockReceived {
  bytes: number
  sha256: string
  ms: number
}

export class StockPerson {
  readonly node: Libp2p
  readonly peerId: string
  /** The transfer that comes in. */
  readonly received: Promise<StockReceived>
  readonly #relays: string[]

  static async start(init: StockInit): Promise<StockPerson> {
    const { relays, stunServers } = init
    const node = await createLibp2p({
      addresses: { listen: [...relays.map((relay) => `${relay}/p2p-circuit`), '/webrtc'] },
      transports: [
        webSockets(),
        circuitRelayTransport(),
        webRTC({ rtcConfiguration: { iceServers: [{ urls: stunServers }] } })
      ],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      // Browsers' default refuses private addresses, which is what a lab has.
      connectionGater: { denyDialMultiaddr: () => false },
      services: { identify: identify(), ping: ping() }
    })
    const received = Promise.withResolvers<StockReceived>()
    received.promise.catch(() => {})
    await node.handle(
      ECHO,
      (stream) => stream.addEventListener('message', ({ data }) => void stream.send(data)),
      anywhere
    )
    await node.handle(BULK, (stream) => void receive(stream).then(received.resolve, received.reject), anywhere)
    return new StockPerson(node, relays, received.promise)
  }

  private constructor(node: Libp2p, relays: string[], received: Promise<StockReceived>) {
    this.node = node
    this.peerId = node.peerId.toString()
    this.received = received
    this.#relays = relays
  }

  /** Dial by PeerId, its addresses known as identify leaves them behind, say something, and wait for the answer. */
  async dial(peerId: string): Promise<StockDial> {
    const peer = peerIdFromString(peerId)
    const multiaddrs = this.#relays
      .flatMap((relay) => [`${relay}/p2p-circuit/p2p/${peerId}`, `${relay}/p2p-circuit/webrtc/p2p/${peerId}`])
      .map((address) => multiaddr(address))
    await this.node.peerStore.merge(peer, { multiaddrs })
    const start = performance.now()
    const connection = await this.node.dial(peer)
    const stream = await connection.newStream(ECHO, anywhere)
    const answered = new Promise((resolve) => stream.addEventListener('message', resolve, { once: true }))
    stream.send(new TextEncoder().encode('first'))
    await answered
    return { answerMs: performance.now() - start, status: statusOf(connection) }
  }

  /** Over whichever connection libp2p takes, as an application does. */
  async send(peerId: string, bytes: number, timeoutMs: number): Promise<{ bytes: number; sha256: string }> {
    const data = new Uint8Array(bytes)
    for (let at = 0; at < bytes; at += CHUNK_BYTES) crypto.getRandomValues(data.subarray(at, at + CHUNK_BYTES))
    const signal = AbortSignal.timeout(timeoutMs)
    const stream = await this.node.dialProtocol(peerIdFromString(peerId), BULK, { ...anywhere, signal })
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      if (!stream.send(data.subarray(at, at + CHUNK_BYTES))) await drained(stream, signal)
    }
    await stream.close({ signal })
    return { bytes, sha256: await sha256(data) }
  }

  /** Of all connections to the peer. */
  statuses(peerId: string): string[] {
    return this.node.getConnections(peerIdFromString(peerId)).map(statusOf).sort()
  }
}

function statusOf({ remoteAddr }: Connection): 'direct' | 'relayed' {
  return remoteAddr.getComponents().some(({ name }) => name === 'webrtc') ? 'direct' : 'relayed'
}

/** Not by `onDrain()`: stock streams resolve it at once from the second time on. */
function drained(stream: Stream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => () => {
      stream.removeEventListener('drain', onDrain)
      stream.removeEventListener('close', onClose)
      signal.removeEventListener('abort', onAbort)
      settle()
    }
    const onDrain = end(resolve)
    const onClose = end(() => reject(new Error('the stream closed')))
    const onAbort = end(() => reject(signal.reason))
    stream.addEventListener('drain', onDrain)
    stream.addEventListener('close', onClose)
    signal.addEventListener('abort', onAbort)
  })
}

async function receive(stream: Stream): Promise<StockReceived> {
  const chunks: Uint8Array[] = []
  const start = performance.now()
  let last = start
  for await (const chunk of stream) {
    last = performance.now()
    chunks.push(chunk.subarray())
  }
  const data = new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer())
  return { bytes: data.byteLength, sha256: await sha256(data), ms: last - start }
}

async function sha256(data: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
