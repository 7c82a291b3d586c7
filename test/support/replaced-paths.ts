// Under two muxers that belong together, cut off the path again and again and attach the next. Everything in flight is lost
// in both directions, and for a moment neither side knows: both write into nothing, as when a network fails.
import type { MessageStream, StreamMuxer } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { SessionDriver, SessionHandler } from '../../src/node/session-driver.ts'
import { SessionPath } from '../../src/path/index.ts'
import { encodeFrame, FrameDecoder } from '../../src/wire/index.ts'
import { isCounted } from './counted.ts'
import { type MemoryCarrier, memoryCarrier } from './memory-carrier.ts'

/** Frames about streams that arrive before a path is cut off, path after path, then from the start. The first cut is early. */
const FRAMES_PER_PATH = [2, 1, 3, 5, 8, 13, 40, 120, 400]

/** An idle path is cut off after this time. */
const PATH_AGE_MS = 7

/** How long a path swallows everything before both sides learn that it is dead. */
const SILENCE_MS = 2

type Windows = Parameters<SessionDriver['attachPath']>[2]
type Names = 'dialler' | 'listener'

interface MessageQueuePair {
  readonly local: object & { readonly delay: number }
  readonly remote: object
}

export class ReplacedPaths {
  replacements = 0
  payloadBytes = 0
  replayedBytes = 0
  readonly #waiting = new Map<object, Pair>()
  readonly #pairs = new Set<Pair>()
  #replacementsBefore = 0

  startTest(): void {
    this.#replacementsBefore = this.replacements
  }

  /** Replacements during this test. */
  endTest(): number {
    for (const pair of this.#pairs) pair.stop()
    this.#pairs.clear()
    this.#waiting.clear()
    return this.replacements - this.#replacementsBefore
  }

  /** One of the two connections of a `multiaddrConnectionPair()`; it serves as the handle, no byte goes over it. */
  join(
    maConn: MessageStream,
    create: (handler: Partial<SessionHandler>) => SessionDriver,
    windows: Windows
  ): StreamMuxer {
    const { local, remote } = maConn as unknown as MessageQueuePair
    let pair = this.#waiting.get(remote)
    if (pair == null) {
      pair = new Pair(this, windows)
      this.#pairs.add(pair)
      this.#waiting.set(local, pair)
    }
    return pair.join(maConn, local, create)
  }
}

class Pair {
  readonly #all: ReplacedPaths
  readonly #windows: Windows
  readonly #drivers = new Map<Names, SessionDriver>()
  readonly #queues = new Map<Names, MessageQueuePair['local']>()
  /** How far each stream has been sent, by direction. */
  readonly #sentTo = new Map<string, number>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #carrier: MemoryCarrier | undefined
  #path = 0
  /** Paths in a row without an acknowledgement. */
  #fruitless = 0

  constructor(all: ReplacedPaths, windows: Windows) {
    this.#all = all
    this.#windows = windows
  }

  join(
    maConn: MessageStream,
    queue: MessageQueuePair['local'],
    create: (handler: Partial<SessionHandler>) => SessionDriver
  ): StreamMuxer {
    const name = maConn.direction === 'outbound' ? 'dialler' : 'listener'
    const driver = create({
      onClosed: () => {
        this.#drivers.delete(name)
        // What is left of the path may deliver the last words; then a new path's handshake would tell.
        this.#after(PATH_AGE_MS + 10 * this.#delayMs, () => {
          this.#carrier?.kill()
          for (const other of this.#drivers.values()) other.peerEnded(new Error('The peer has ended this session'))
        })
      }
    })
    this.#drivers.set(name, driver)
    this.#queues.set(name, queue)
    const muxer = driver.muxerFactory.createStreamMuxer(maConn)
    if (this.#drivers.size === 2) this.#attach()
    return muxer
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#carrier?.kill()
    for (const driver of this.#drivers.values()) driver.expire(new Error('the test is over'))
  }

  #attach(): void {
    const id = this.#path++
    // A path that dies before anything was acknowledged gets nobody further, whatever the protocol: the next lives longer.
    const patience = 2 ** this.#fruitless++
    let left = FRAMES_PER_PATH[id % FRAMES_PER_PATH.length]! * patience
    let silent = false
    const openedAt = performance.now()
    const cut = (): void => {
      // Whoever ends first cannot know whether its last acknowledgement arrived: no protocol can.
      const ending = [...this.#drivers.values()].every(({ session }) => session.status !== 'open')
      if (silent || ending) return
      silent = true
      this.#after(SILENCE_MS, () => this.#replace(carrier))
    }
    const decoders = { dialler: new FrameDecoder(), listener: new FrameDecoder() }
    const carrier = memoryCarrier({
      delayMs: () => this.#delayMs,
      tap: (data, from) => {
        const out = new Uint8ArrayList()
        for (const chunk of data) {
          for (const frame of decoders[from].push(chunk)) {
            if (frame.type === 'stream') {
              this.#count(`${from} ${frame.stream}`, frame.offset, frame.data.byteLength)
            }
            if (silent) continue
            if (frame.type === 'ack' && frame.sequence > 0) this.#fruitless = 0
            out.append(...encodeFrame(frame))
            if (isCounted(frame) && frame.type !== 'close' && --left <= 0) cut()
          }
        }
        return out
      }
    })
    this.#carrier = carrier
    for (const [name, driver] of this.#drivers) {
      driver.attachPath(id, new SessionPath({ ...carrier[name], handler: driver }), this.#windows)
    }
    const grow = (): void => {
      // Where a test slows its carrier down, ten messages shall pass.
      if (performance.now() - openedAt < PATH_AGE_MS * patience + 10 * this.#delayMs) this.#after(PATH_AGE_MS, grow)
      else cut()
    }
    this.#after(PATH_AGE_MS, grow)
  }

  /** One of the tests sets this on the connection it was given. */
  get #delayMs(): number {
    return Math.max(0, ...[...this.#queues.values()].map(({ delay }) => delay))
  }

  #replace(carrier: MemoryCarrier): void {
    carrier.kill(new Error('the network failed'))
    this.#all.replacements++
    if (this.#drivers.size === 2) this.#attach()
  }

  #after(ms: number, run: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(run, ms)
  }

  #count(stream: string, offset: number, length: number): void {
    const sentTo = this.#sentTo.get(stream) ?? 0
    this.#all.payloadBytes += length
    this.#all.replayedBytes += Math.max(0, Math.min(sentTo, offset + length) - offset)
    this.#sentTo.set(stream, Math.max(sentTo, offset + length))
  }
}
