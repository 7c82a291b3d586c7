// Two ends of a carrier in memory: a genuine libp2p stream each, with queues, back-pressure and delay. It can lose what is
// in flight, go silent, and die.
import { defaultLogger } from '@libp2p/logger'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { Uint8ArrayList } from 'uint8arraylist'
import type { CarrierConnection } from '../../src/path/index.ts'

export interface MemoryCarrierInit {
  /** Between messages; asked for each. 0 is the next round of the event loop. */
  delayMs?: () => number
  /** Bytes in flight at which `send` asks to wait. */
  capacityBytes?: number
  /** Sees and may change each message; what it does not return is lost. */
  tap?: (data: Uint8ArrayList, from: 'dialler' | 'listener') => Uint8ArrayList
}

let carriers = 0

class MemoryStream extends AbstractStream {
  peer: MemoryStream | undefined
  readonly #init: MemoryCarrierInit
  readonly #name: 'dialler' | 'listener'
  readonly #queue: Array<() => void> = []
  #queuedBytes = 0
  #running = false
  #dead = false

  constructor(name: 'dialler' | 'listener', init: MemoryCarrierInit) {
    const id = `${carriers++}`
    const direction = name === 'dialler' ? 'outbound' : 'inbound'
    super({ id, direction, log: defaultLogger().forComponent(`memory-carrier:${direction}:${id}`) })
    this.#name = name
    this.#init = init
  }

  sendData(data: Uint8ArrayList): SendResult {
    const bytes = data.byteLength
    const message = this.#init.tap?.(new Uint8ArrayList(data), this.#name) ?? data
    const copy = message.slice()
    this.#queuedBytes += bytes
    this.#enqueue(() => {
      this.#queuedBytes -= bytes
      if (copy.byteLength > 0) this.peer?.onData(copy)
      if (this.#queuedBytes === 0 && this.writableNeedsDrain) this.safeDispatchEvent('drain')
    })
    return { sentBytes: bytes, canSendMore: this.#queuedBytes < (this.#init.capacityBytes ?? 262_144) }
  }

  async sendCloseWrite(): Promise<void> {
    this.#enqueue(() => this.peer?.onRemoteCloseWrite())
  }

  async sendCloseRead(): Promise<void> {}

  sendReset(): void {
    this.#enqueue(() => {
      if (this.peer?.status === 'open') this.peer.onRemoteReset()
    })
  }

  sendPause(): void {}

  sendResume(): void {}

  /** Nothing in flight arrives, and this end learns that it is over. */
  die(error?: Error): void {
    this.#dead = true
    this.#queue.length = 0
    if (error != null) this.abort(error)
    else if (this.status === 'open') this.onTransportClosed()
  }

  #enqueue(deliver: () => void): void {
    if (this.#dead) return
    this.#queue.push(deliver)
    if (!this.#running) this.#next()
  }

  #next(): void {
    this.#running = this.#queue.length > 0
    if (!this.#running) return
    const delayMs = this.#init.delayMs?.() ?? 0
    const run = (): void => {
      this.#queue.shift()?.()
      this.#next()
    }
    if (delayMs > 0) setTimeout(run, delayMs)
    else setImmediate(run)
  }
}

export interface MemoryCarrier {
  readonly dialler: { readonly stream: AbstractStream; readonly connection: CarrierConnection }
  readonly listener: { readonly stream: AbstractStream; readonly connection: CarrierConnection }
  /** Both ends, at once. */
  kill(error?: Error): void
}

export function memoryCarrier(init: MemoryCarrierInit = {}): MemoryCarrier {
  const dialler = new MemoryStream('dialler', init)
  const listener = new MemoryStream('listener', init)
  dialler.peer = listener
  listener.peer = dialler
  const end = (stream: AbstractStream) => ({ stream, connection: memoryConnection() })
  return {
    dialler: end(dialler),
    listener: end(listener),
    kill(error) {
      dialler.die(error)
      listener.die(error)
    }
  }
}

export function memoryConnection(init: Partial<CarrierConnection> = {}): CarrierConnection {
  const target = new TypedEventEmitter() as unknown as CarrierConnection
  return Object.assign(target, {
    remoteAddr: multiaddr(`/memory/${carriers}`),
    limits: undefined,
    timeline: { open: Date.now() },
    ...init
  })
}
