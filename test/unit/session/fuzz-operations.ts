import {
  FREE_STREAM_BYTES,
  MAX_PATHS,
  Session,
  type SessionConfig,
  type SessionEffect
} from '../../../src/session/index.ts'
import { type Frame, MAX_STREAM_PAYLOAD } from '../../../src/wire/index.ts'
import { contentOf, isContent, MAX_CONTENT_BYTES } from '../../sim/support/pattern.ts'
import { Rng } from '../../sim/support/rng.ts'
import type { Counts } from '../../sim/support/shards/job.ts'
import { isCounted } from '../../support/counted.ts'
import { FRAME_TYPES, randomFrame, randomNumber } from '../wire/random-frame.ts'

/** Commands and frames per run. */
export const OPERATIONS = 400

const KIB = 1_024
const CONFIG: SessionConfig = {
  streamWindow: 32 * KIB,
  sessionWindow: 64 * KIB,
  maxSendBuffer: 64 * KIB,
  maxStreamSendBuffer: 32 * KIB,
  maxStreams: 64
}
/** Frames that are nearly right name these. */
const STREAMS = 24
const PATHS = 8
/** What a frame weighs at least in the in-flight count: so many bytes more are so many records. */
const RECORD_BYTES = 8
/** Control frames may go this far beyond the limit, the last STREAM frame one payload. */
const CONTROL_ROOM_BYTES = 64 * KIB
/** Streams the peer finished and we cannot forget, because it acknowledges nothing. */
const MAX_KEPT_STREAMS = 16_384

/** HELLO and CONFIRM cost the path at once. */
const PLAUSIBLE = FRAME_TYPES.filter((type) => type !== 'hello' && type !== 'confirm')

const FRAME_ERRORS = new Set(['ProtocolViolationError', 'FlowControlError'])
const COMMAND_ERRORS = new Set(['TooManyStreamsError', 'SessionClosedError', 'ProtocolViolationError'])
const MAX_TICKS = 2_000

/** One session at the mercy of its application, its carriers and its peer, and what must hold whatever they do. */
class Victim {
  readonly rng: Rng
  readonly counts: Counts
  readonly #session: Session
  readonly #delivered = new Map<number, number>()
  readonly #over = new Set<number>()
  readonly #attached = new Set<number>()
  /** The highest in-flight limit each path had: it may sink below what is under way. */
  readonly #limits = new Map<number, number>()
  /** Per path. */
  readonly #sent = new Map<number, number>()
  #now = 0
  #closed = false

  constructor(rng: Rng, counts: Counts) {
    this.rng = rng
    this.counts = counts
    this.#session = new Session({ side: this.rng.pick([0, 1] as const), config: CONFIG, now: 0 })
    this.#attach(0)
  }

  get isClosed(): boolean {
    return this.#closed
  }

  step(): void {
    const { rng } = this
    this.counts.inputs!++
    if (rng.chance(0.35)) this.#command()
    else if (rng.chance(0.08)) this.#pass(rng.chance(0.9) ? rng.int(400) : rng.int(20_000))
    else this.#receive()
    this.#takeEffects()
    this.#check()
  }

  #receive(): void {
    const { rng } = this
    const path = rng.chance(0.95) && this.#attached.size > 0 ? rng.pick([...this.#attached]) : rng.int(PATHS)
    const frame = rng.chance(0.95) ? this.#nearlyRight(path) : randomFrame(rng)
    this.#session.receive(path, placed(frame), this.#now)
    if (rng.chance(0.8)) this.#session.flush(this.#now)
  }

  /** Small ids and offsets, so that it meets streams and paths that exist. */
  #nearlyRight(path: number): Frame {
    const { rng } = this
    const frame = randomFrame(rng, rng.chance(0.4) ? 'stream' : rng.pick(PLAUSIBLE))
    const stream = rng.chance(0.98) ? rng.int(STREAMS) : rng.int(4_000)
    const delivered = this.#delivered.get(stream) ?? 0
    const near = rng.pick([
      delivered,
      delivered,
      Math.max(0, delivered - rng.int(500)),
      delivered + rng.int(2_000),
      rng.int(50_000)
    ])
    const offset = rng.chance(0.97) ? near : randomNumber(rng)
    switch (frame.type) {
      case 'stream': {
        const length = rng.pick([0, 1, rng.int(300), rng.int(5_000), rng.int(MAX_STREAM_PAYLOAD + 1)])
        return { ...frame, stream, offset, data: frame.data.subarray(0, length), fin: rng.chance(0.02) }
      }
      case 'reset':
        return { ...frame, stream, finalOffset: offset }
      case 'stopSending':
        return { ...frame, stream }
      case 'maxData':
        return rng.chance(0.9) ? { ...frame, max: rng.int(200_000) } : frame
      case 'maxStreamData':
        return { ...frame, stream, max: offset }
      case 'blocked':
        return { ...frame, stream: rng.chance(0.7) ? stream : undefined, limit: offset }
      case 'ack': {
        const about = rng.chance(0.7) ? path : rng.int(PATHS)
        const sent = this.#sent.get(about) ?? 0
        return { ...frame, path: about, sequence: rng.chance(0.95) ? rng.int(sent + 1) : sent + rng.int(3) }
      }
      case 'pong':
        return { ...frame, nonce: rng.int(50) }
      case 'status':
        return { ...frame, suspects: rng.int(PATHS) }
      case 'close':
        return rng.chance(0.05)
          ? { ...frame, code: rng.chance(0.8) ? 0 : 1, streams: rng.int(STREAMS), seen: rng.int(STREAMS) }
          : { type: 'ping', nonce: rng.int(50) }
      default:
        return frame
    }
  }

  #command(): void {
    try {
      this.rng.pick(COMMANDS)(this.#session, this.#now, this.rng)
    } catch (err) {
      if (!COMMAND_ERRORS.has((err as Error).name)) throw err
      this.counts.commandErrors!++
    }
    this.#takeEffects()
    if (this.rng.chance(this.#attached.size === 0 ? 0.9 : 0.1)) this.#changePaths()
  }

  #changePaths(): void {
    const { rng } = this
    const path = rng.int(PATHS)
    if (this.#attached.size > 0 && rng.chance(0.3)) this.#detach(path)
    else if (this.#attached.size < MAX_PATHS) this.#attach(path)
  }

  /** Ids are used again here, which a correct link never does. */
  #attach(path: number): void {
    if (this.#attached.has(path) || this.#closed) return
    const window = () => this.rng.pick([0, 4 * KIB, 32 * KIB, 1_024 * KIB])
    const init = { peerStreamWindow: window(), peerSessionWindow: window(), limited: this.rng.chance(0.3) }
    this.#session.attachPath(path, init, this.#now)
    this.#attached.add(path)
    this.#limits.delete(path)
    this.#sent.set(path, 0)
  }

  #detach(path: number): void {
    this.#attached.delete(path)
    this.#session.detachPath(path, this.#now)
  }

  #pass(ms: number): void {
    const until = this.#now + ms
    for (let ticks = 0; ticks < MAX_TICKS; ticks++) {
      const at = this.#session.nextWakeAt()
      if (at == null || at > until) {
        this.#now = until
        return
      }
      this.#now = Math.max(this.#now, at)
      this.#session.tick(this.#now)
      this.#takeEffects()
    }
    throw new Error(`Asks for more than ${MAX_TICKS} ticks in ${ms} ms`)
  }

  #takeEffects(): void {
    for (const effect of this.#session.takeEffects()) {
      if (this.#closed) throw new Error(`Effect ${effect.type} after closed`)
      this.#onEffect(effect)
    }
  }

  #onEffect(effect: SessionEffect): void {
    switch (effect.type) {
      case 'send':
        if (!this.#attached.has(effect.path)) throw new Error(`Sends on path ${effect.path}, which is not attached`)
        if (isCounted(effect.frame)) this.#sent.set(effect.path, this.#sent.get(effect.path)! + 1)
        return
      case 'pathError':
        if (!FRAME_ERRORS.has(effect.error.name)) throw effect.error
        this.counts.pathErrors!++
        this.#detach(effect.path)
        return
      case 'streamData': {
        const { stream, data } = effect
        const from = this.#delivered.get(stream) ?? 0
        if (this.#over.has(stream)) throw new Error(`Delivers bytes of stream ${stream}, which has ended`)
        if (!isContent(stream, from, data)) throw new Error(`Delivers other bytes of stream ${stream} at ${from}`)
        this.#delivered.set(stream, from + data.byteLength)
        this.counts.delivered! += data.byteLength
        return
      }
      case 'streamEnd':
      case 'streamReset':
        if (this.#over.has(effect.stream)) throw new Error(`Stream ${effect.stream} ends twice`)
        this.#over.add(effect.stream)
        return
      case 'pathSuspect':
        this.counts.suspicions!++
        return
      case 'closed':
        this.#closed = true
        this.counts.closed!++
    }
  }

  #check(): void {
    const session = this.#session
    const { streamCount, sendBufferedBytes, receiveBufferedBytes } = session
    const prefixes = FREE_STREAM_BYTES * streamCount
    this.#bound('streams', streamCount, CONFIG.maxStreams + MAX_KEPT_STREAMS)
    this.#bound('bytes for sending', sendBufferedBytes, CONFIG.maxSendBuffer + prefixes)
    this.#bound('received bytes', receiveBufferedBytes, CONFIG.sessionWindow + prefixes)
    for (const { path, inFlightBytes, inFlightLimit } of session.paths()) {
      const limit = Math.max(inFlightLimit, this.#limits.get(path) ?? 0)
      this.#limits.set(path, limit)
      const answers = (streamCount + 1) * RECORD_BYTES
      this.#bound(
        `bytes in flight on path ${path}`,
        inFlightBytes,
        limit + CONTROL_ROOM_BYTES + MAX_STREAM_PAYLOAD + answers
      )
    }
    if (!this.#closed) return
    const kept = streamCount + sendBufferedBytes + receiveBufferedBytes + session.paths().length
    if (kept > 0 || session.nextWakeAt() != null) throw new Error('Keeps something, or asks for a tick, after closed')
  }

  #bound(what: string, amount: number, most: number): void {
    if (amount < 0 || amount > most) throw new Error(`Keeps ${amount} ${what}, ${most} at most`)
  }
}

/** Bytes are a function of their place, so that whatever is delivered can be told to be right. */
function placed(frame: Frame): Frame {
  if (frame.type !== 'stream') return frame
  const { stream, offset, data } = frame
  const end = offset + data.byteLength
  return end > MAX_CONTENT_BYTES ? frame : { ...frame, data: contentOf(stream, offset, end).slice() }
}

const COMMANDS: ReadonlyArray<(session: Session, now: number, rng: Rng) => void> = [
  (session, now) => session.openStream(now),
  (session, now, rng) => session.write(rng.int(STREAMS), new Uint8Array(rng.int(20_000)), now),
  (session, now, rng) => session.write(rng.int(STREAMS), new Uint8Array(rng.int(100)), now),
  (session, now, rng) => session.finish(rng.int(STREAMS), now),
  (session, now, rng) => session.reset(rng.int(STREAMS), 1, now),
  (session, now, rng) => session.stopSending(rng.int(STREAMS), 1, now),
  (session, now, rng) => session.consume(rng.int(STREAMS), rng.int(20_000), now),
  (session, now, rng) => session.setWritable(rng.int(PATHS), rng.chance(0.7), now),
  (session, now, rng) => session.ping(rng.int(PATHS), now),
  (session, now, rng) => session.sendGoaway(rng.int(PATHS), 1, rng.pick([0, 100]), now),
  (session, now, rng) =>
    session.prefer(
      Array.from({ length: rng.int(5) }, () => rng.int(PATHS)),
      now
    ),
  (session, now) => session.flush(now),
  (session, now, rng) => {
    if (rng.chance(0.05)) session.close(now)
    else if (rng.chance(0.02)) session.abort(3, now)
  }
]

/** Operations on a session that has closed, before another takes its place. */
const OPERATIONS_AFTER_CLOSED = 10

export function run(seed: number): Counts {
  const rng = new Rng(seed)
  const counts: Counts = { inputs: 0, pathErrors: 0, commandErrors: 0, delivered: 0, closed: 0, suspicions: 0 }
  try {
    let victim = new Victim(rng, counts)
    let closedFor = 0
    while (counts.inputs! < OPERATIONS) {
      victim.step()
      closedFor = victim.isClosed ? closedFor + 1 : 0
      if (closedFor > OPERATIONS_AFTER_CLOSED) victim = new Victim(rng, counts)
    }
  } catch (err) {
    const message = err instanceof Error ? `${err.name}: ${err.message}` : String(err)
    throw new Error(`Operation ${counts.inputs} of seed ${seed}: ${message}`, { cause: err })
  }
  return counts
}
