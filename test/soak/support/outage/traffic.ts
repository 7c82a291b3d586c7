// What streams carry through an outage: an echo every 20 ms and a bulk stream, every byte compared.
import { createHash } from 'node:crypto'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { randomBytes } from '../../../support/transfer.ts'

const ECHO = '/holdfast-soak/echo/1.0.0'
const SINK = '/holdfast-soak/sink/1.0.0'
const ECHO_EVERY_MS = 20
const PIECE_BYTES = 16_384
const STOP_TIMEOUT_MS = 60_000
const anywhere = { runOnLimitedConnection: true }

export interface PeerInit {
  readonly relays: string[]
  /** Addresses of its own. */
  readonly listen?: string[]
  /** Protobuf of a private key in base64: the same peer again. */
  readonly key: string
  readonly upgrade?: 'auto' | 'never'
  readonly resumeWindowMs?: number
  readonly stunUrl?: string
  /** js-libp2p alone. */
  readonly stock?: boolean
}

/** What the program says over IPC. */
export interface Told {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

export interface Moved {
  readonly bytes: number
  readonly hash: string
}

/** What one end has seen; times in ms since the Unix epoch. */
export interface Tally {
  /** Echoed in the right order. */
  readonly echoedBytes: number
  readonly wrongBytes: number
  readonly sunkBytes: number
  readonly lastAt: number
  readonly ended: ReadonlyArray<{ readonly at: number; readonly name: string }>
}

export class Traffic {
  readonly #node: Libp2p
  #echo: { stream: Stream; timer: ReturnType<typeof setInterval> } | undefined
  #echoSent = 0
  #echoed = 0
  #wrong = 0
  #bulk: { stream: Stream; stop: () => void; done: Promise<Moved> } | undefined
  readonly #sunk = Promise.withResolvers<Moved>()
  #sunkBytes = 0
  #lastAt = 0
  readonly #ended: Array<{ at: number; name: string }> = []
  readonly #waiting = new Set<{ after: number; resolve: (at: number) => void }>()

  constructor(node: Libp2p) {
    this.#node = node
  }

  async serve(): Promise<void> {
    await this.#node.handle(
      ECHO,
      (stream) => {
        this.#watch(stream)
        stream.addEventListener('message', ({ data }) => {
          this.#onDelivery()
          stream.send(data)
        })
        stream.addEventListener('remoteCloseWrite', () => void stream.close().catch(() => {}))
      },
      anywhere
    )
    await this.#node.handle(SINK, (stream) => this.#sink(stream), anywhere)
  }

  async startEcho(connection: Connection): Promise<void> {
    const stream = await connection.newStream(ECHO, anywhere)
    this.#watch(stream)
    clearInterval(this.#echo?.timer)
    this.#echoSent = this.#echoed = this.#wrong = 0
    stream.addEventListener('message', ({ data }) => {
      for (const byte of data.subarray()) {
        if (byte === this.#echoed % 251) this.#echoed++
        else this.#wrong++
      }
      this.#onDelivery()
    })
    const send = (): void => {
      if (stream.writeStatus !== 'writable') return
      const bytes = Uint8Array.from({ length: 32 }, (_, at) => (this.#echoSent + at) % 251)
      stream.send(bytes)
      this.#echoSent += bytes.byteLength
    }
    this.#echo = { stream, timer: setInterval(send, ECHO_EVERY_MS) }
    send()
  }

  /** Resolves when everything came back, with how much that is. */
  async stopEcho(): Promise<{ sentBytes: number; echoedBytes: number; wrongBytes: number }> {
    clearInterval(this.#echo?.timer)
    const end = Date.now() + STOP_TIMEOUT_MS
    while (this.#echoed < this.#echoSent && Date.now() < end && this.#echo?.stream.status === 'open') {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await this.#echo?.stream.close().catch(() => {})
    return { sentBytes: this.#echoSent, echoedBytes: this.#echoed, wrongBytes: this.#wrong }
  }

  /** As much as the stream takes, until `stopBulk`. */
  async startBulk(connection: Connection): Promise<void> {
    const stream = await connection.newStream(SINK, anywhere)
    this.#watch(stream)
    let stopped = false
    const stop = (): void => {
      stopped = true
    }
    this.#bulk = { stream, stop, done: this.#pump(stream, () => stopped) }
    this.#bulk.done.catch(() => {})
  }

  async #pump(stream: Stream, isStopped: () => boolean): Promise<Moved> {
    const hash = createHash('sha256')
    let bytes = 0
    for (let seed = 1; !isStopped(); seed++) {
      const piece = randomBytes(PIECE_BYTES, seed)
      hash.update(piece)
      bytes += piece.byteLength
      if (stream.send(piece)) {
        // Others want to be heard.
        await new Promise(setImmediate)
        continue
      }
      await new Promise<void>((resolve, reject) => {
        stream.addEventListener('drain', () => resolve(), { once: true })
        stream.addEventListener('close', ({ error }) => reject(error ?? new Error('closed')), { once: true })
      })
    }
    return { bytes, hash: hash.digest('hex') }
  }

  /** Ends the stream in an orderly way; resolves with what went into it. */
  async stopBulk(): Promise<Moved> {
    if (this.#bulk == null) throw new Error('nothing was sent')
    this.#bulk.stop()
    const moved = await this.#bulk.done
    await this.#bulk.stream.close({ signal: AbortSignal.timeout(STOP_TIMEOUT_MS) })
    return moved
  }

  /** Resolves when the bulk stream of the peer has ended, with what came out of it. */
  sunk(): Promise<Moved> {
    return this.#sunk.promise
  }

  tally(): Tally {
    return {
      echoedBytes: this.#echoed,
      wrongBytes: this.#wrong,
      sunkBytes: this.#sunkBytes,
      lastAt: this.#lastAt,
      ended: this.#ended
    }
  }

  deliveredAfter(after: number): Promise<number> {
    return new Promise((resolve) => this.#waiting.add({ after, resolve }))
  }

  #sink(stream: Stream): void {
    this.#watch(stream)
    const hash = createHash('sha256')
    stream.addEventListener('message', ({ data }) => {
      for (const piece of data instanceof Uint8Array ? [data] : data) hash.update(piece)
      this.#sunkBytes += data.byteLength
      this.#onDelivery()
    })
    stream.addEventListener('remoteCloseWrite', () => {
      this.#sunk.resolve({ bytes: this.#sunkBytes, hash: hash.digest('hex') })
      void stream.close().catch(() => {})
    })
  }

  #onDelivery(): void {
    this.#lastAt = Date.now()
    for (const waiting of this.#waiting) {
      if (this.#lastAt < waiting.after) continue
      this.#waiting.delete(waiting)
      waiting.resolve(this.#lastAt)
    }
  }

  #watch(stream: Stream): void {
    stream.addEventListener('close', ({ error }) => {
      this.#ended.push({ at: Date.now(), name: error?.name ?? 'none' })
      if (error == null) return
      // What is kept here keeps the link.
      if (this.#echo?.stream === stream) {
        clearInterval(this.#echo.timer)
        this.#echo = undefined
      }
      if (this.#bulk?.stream === stream) this.#bulk = undefined
    })
  }
}
