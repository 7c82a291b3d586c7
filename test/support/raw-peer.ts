// Stock libp2p that speaks the session protocol by hand, and so can break it.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { Uint8ArrayList } from 'uint8arraylist'
import { compare } from 'uint8arrays/compare'
import { encodeFrame, type Frame, FrameDecoder, SESSION_PROTOCOL } from '../../src/wire/index.ts'
import { isCounted } from './counted.ts'

const WINDOWS = { streamWindow: 1_048_576, sessionWindow: 4_194_304 }
const HANDSHAKE_TIMEOUT_MS = 5_000

/** A path of a hand-made session. It acknowledges what it gets, unless told to be silent. */
export class RawPath {
  readonly #stream: Stream
  readonly #decoder = new FrameDecoder()
  readonly #listeners = new Set<(frame: Frame) => void>()
  #id = 0
  #counted = 0
  #mute = false

  constructor(stream: Stream) {
    this.#stream = stream
    stream.addEventListener('message', ({ data }) => {
      const before = this.#counted
      for (const chunk of data instanceof Uint8Array ? [data] : data) {
        for (const frame of this.#decoder.push(chunk)) this.#onFrame(frame)
      }
      if (this.#counted > before && !this.#mute && this.isOpen) {
        this.send({ type: 'ack', path: this.#id, sequence: this.#counted, delayMs: 0 })
      }
    })
  }

  get isOpen(): boolean {
    return this.#stream.status === 'open' && this.#stream.writeStatus === 'writable'
  }

  #onFrame(frame: Frame): void {
    if (isCounted(frame)) this.#counted++
    for (const listener of this.#listeners) listener(frame)
  }

  onFrame(listener: (frame: Frame) => void): void {
    this.#listeners.add(listener)
  }

  frame<T extends Frame['type']>(type: T): Promise<Extract<Frame, { type: T }>> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${type} frame came`)), HANDSHAKE_TIMEOUT_MS)
      this.onFrame((frame) => {
        if (frame.type !== type) return
        clearTimeout(timer)
        resolve(frame as Extract<Frame, { type: T }>)
      })
    })
  }

  /** False: the carrier is full. */
  send(...frames: Frame[]): boolean {
    return this.bytes(...frames.flatMap((frame) => [...encodeFrame(frame)]))
  }

  /** In one piece: stock sends each part of a list as a WebSocket message of its own. */
  bytes(...bytes: Uint8Array[]): boolean {
    return this.#stream.send(Uint8ArrayList.fromUint8Arrays(bytes).subarray())
  }

  /** Resolves when the carrier takes more, or has ended. */
  async room(): Promise<void> {
    if (this.isOpen && this.#stream.writableNeedsDrain) await pEvent(this.#stream, ['drain', 'close'])
    else await new Promise(setImmediate)
  }

  /** Nothing more is sent; what was, still is. */
  finish(): Promise<void> {
    return this.#stream.close()
  }

  async ended(): Promise<void> {
    if (this.isOpen) await pEvent(this.#stream, 'close')
  }

  /** The handshake of the side that dials. */
  async shake(id: number): Promise<void> {
    this.#id = id
    const answer = this.frame('hello')
    this.send({ type: 'hello', instance: instanceId(), path: id, epoch: 0, ...WINDOWS })
    const { instance, epoch } = await answer
    this.send({ type: 'confirm', instance, epoch })
  }

  /** From here on nothing is answered. */
  mute(): void {
    this.#mute = true
  }
}

const instanceId = (): Uint8Array => crypto.getRandomValues(new Uint8Array(16))

/** How the node it turns to is reached. */
export interface Contact {
  readonly peerId: string
  readonly address?: string | undefined
}

export class RawPeer {
  readonly node: Libp2p
  readonly #victim: PeerId
  readonly #address: string
  #paths = 0

  static async start(victim: Contact, via: 'relayed' | 'websocket', relay?: string): Promise<RawPeer> {
    const node = await createLibp2p({
      addresses: { listen: relay == null ? [] : [`${relay}/p2p-circuit`] },
      transports: [webSockets(), circuitRelayTransport()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: { denyDialMultiaddr: () => false },
      connectionMonitor: { enabled: false },
      services: { identify: identify() }
    })
    const address = via === 'relayed' ? `${relay}/p2p-circuit/p2p/${victim.peerId}` : victim.address!
    return new RawPeer(node as unknown as Libp2p, peerIdFromString(victim.peerId), address)
  }

  private constructor(node: Libp2p, victim: PeerId, address: string) {
    this.node = node
    this.#victim = victim
    this.#address = address
  }

  get id(): string {
    return this.node.peerId.toString()
  }

  /** Vanishes: every connection to the victim ends without a word. */
  vanish(): void {
    for (const connection of this.node.getConnections(this.#victim)) connection.abort(new Error('vanished'))
  }

  /** Whose stream and path ids are even. */
  get side(): 0 | 1 {
    return compare(this.node.peerId.toMultihash().bytes, this.#victim.toMultihash().bytes) < 0 ? 0 : 1
  }

  carrier(): Promise<Connection> {
    return this.node.dial(multiaddr(this.#address), { force: true })
  }

  /** Through the handshake, on a carrier of its own; each is a new session. */
  async attached(): Promise<RawPath> {
    const connection = await this.carrier()
    const path = new RawPath(await connection.newStream(SESSION_PROTOCOL, { runOnLimitedConnection: true }))
    await path.shake(this.#paths++ * 2 + this.side)
    return path
  }
}
