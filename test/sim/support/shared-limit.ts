import { renewBelowBytes, SETUP_BYTES } from '../../../src/path/index.ts'
import { type ByteBudgetInit, DEFAULT_SESSION_CONFIG, Session, type SessionEffect } from '../../../src/session/index.ts'
import { encodeFrame, type Frame } from '../../../src/wire/index.ts'
import { EventQueue } from './event-queue.ts'
import { BrokenInvariantError } from './fail.ts'
import { Rng } from './rng.ts'

const KIB = 1_024

/** Of a message on the wire beside its frames: muxer 12, noise 18, the relay's WebSocket at most 4; a little more. */
const MESSAGE_BYTES = 40
const MAX_MESSAGE_BYTES = 16_200

const DURATION_MS = 6_000
const MAX_EVENTS = 3_000

export interface Outcome {
  readonly limitBytes: number
  readonly carriedBytes: number
  /** Somebody always had something to send. */
  readonly busy: boolean
}

/** How one side behaves. */
interface Habits {
  readonly writeBytes: () => number
  readonly pauseMs: () => number
  readonly reads: boolean
}

class Side {
  readonly session: Session
  readonly #streams: number[] = []
  readonly unread: Array<{ stream: number; bytes: number }> = []
  sentBytes = 0
  receivedBytes = 0
  outbox: Frame[] = []

  constructor(side: 0 | 1, budget: ByteBudgetInit) {
    this.session = new Session({ side, config: DEFAULT_SESSION_CONFIG, now: 0 })
    const windows = { peerStreamWindow: 1_048_576, peerSessionWindow: 4_194_304 }
    this.session.attachPath(0, { ...windows, limited: true, budget }, 0)
  }

  stream(rng: Rng, now: number): number {
    if (this.#streams.length === 0 || (this.#streams.length < 8 && rng.chance(0.2)))
      this.#streams.push(this.session.openStream(now))
    return rng.pick(this.#streams)
  }
}

/**
 * Two real session cores on one path that a relay counts: whatever they send, and however late each hears of the other, and
 * whatever else goes over the carrier, the relay never has to cut it off.
 */
export class SharedLimit {
  readonly #rng: Rng
  readonly #queue = new EventQueue()
  readonly #limitBytes: number
  readonly #sides: readonly [Side, Side]
  readonly #habits: readonly [Habits, Habits]
  readonly #arrivesAt = [0, 0]
  readonly #delayMs: readonly [() => number, () => number]
  /** Signalling, identify: what the session does not see leave. */
  #foreignBytes: number
  #carriedBytes = SETUP_BYTES
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
    const rng = new Rng(seed)
    this.#rng = rng
    this.#limitBytes = rng.pick([16, 32, 64, 128, 256, 1_024]) * KIB
    this.#foreignBytes = rng.chance(0.5) ? Math.min(6 * KIB, this.#limitBytes / 16) : 0
    const remainingBytes = this.#limitBytes - SETUP_BYTES
    const budget = {
      limitBytes: this.#limitBytes,
      remainingBytes,
      renewBelowBytes: renewBelowBytes(this.#limitBytes)
    }
    this.#sides = [new Side(0, budget), new Side(1, budget)]
    this.#habits = [this.#planHabits(), this.#planHabits()]
    this.#delayMs = [this.#planDelay(), this.#planDelay()]
  }

  #planHabits(): Habits {
    const rng = this.#rng
    const sizes = rng.pick([
      () => 0,
      () => rng.between(1, 20),
      () => rng.between(1, 3_000),
      () => 100_000,
      () => rng.pick([1, 50, 5_000, 100_000])
    ])
    const meanMs = rng.pick([0, 1, 10, 100])
    return { writeBytes: sizes, pauseMs: () => rng.next() * 2 * meanMs, reads: rng.chance(0.9) }
  }

  #planDelay(): () => number {
    const rng = this.#rng
    const mean = rng.pick([0, 1, 15, 50, 300])
    const spread = rng.pick([0, 0.5, 2])
    return () => mean * (1 + spread * rng.next())
  }

  run(): Outcome {
    for (const side of [0, 1] as const) this.#write(side)
    for (let at = 0; at < 4; at++) this.#queue.at(this.#rng.int(DURATION_MS), () => this.#foreign())
    for (const side of [0, 1] as const) this.#heartbeat(side)
    for (let events = 0; events < MAX_EVENTS; events++) {
      if (this.#queue.nextAt == null || this.#queue.nextAt > DURATION_MS) break
      this.#queue.runNext()
    }
    return {
      limitBytes: this.#limitBytes,
      carriedBytes: this.#carriedBytes,
      busy: this.#sides.some(({ session }) => session.sendBufferedBytes > 16_384)
    }
  }

  #write(side: 0 | 1): void {
    const { session } = this.#sides[side]
    const { writeBytes, pauseMs } = this.#habits[side]
    const bytes = writeBytes()
    const { now } = this.#queue
    if (bytes > 0) session.write(this.#sides[side].stream(this.#rng, now), new Uint8Array(bytes), now)
    else session.openStream(now)
    if (this.#rng.chance(0.02)) session.reset(this.#sides[side].stream(this.#rng, now), 1, now)
    this.#flush(side)
    if (bytes > 0) this.#queue.after(0.5 + pauseMs(), () => this.#write(side))
  }

  #heartbeat(side: 0 | 1): void {
    this.#queue.after(5_000 * this.#rng.next() + 1_000, () => {
      this.#sides[side].session.ping(0, this.#queue.now)
      this.#flush(side)
      this.#heartbeat(side)
    })
  }

  #foreign(): void {
    const bytes = Math.floor(this.#foreignBytes / 4)
    const side = this.#rng.int(2) as 0 | 1
    if (bytes > 0) this.#carry(side, bytes, () => {})
  }

  /** As src/node/session-driver.ts does at the end of a task. */
  #flush(side: 0 | 1): void {
    const me = this.#sides[side]
    const { now } = this.#queue
    me.session.flush(now)
    for (;;) {
      const effects = me.session.takeEffects()
      if (effects.length === 0) break
      for (const effect of effects) this.#apply(me, effect)
    }
    const frames = me.outbox.splice(0)
    for (const message of messages(frames)) {
      this.#carry(side, MESSAGE_BYTES + message.bytes, () => this.#receive((1 - side) as 0 | 1, message.frames))
    }
    this.#readBudget(me)
    const wakeAt = me.session.nextWakeAt()
    if (wakeAt != null && wakeAt <= DURATION_MS) {
      this.#queue.at(Math.max(wakeAt, now + 1), () => {
        if ((me.session.nextWakeAt() ?? Number.POSITIVE_INFINITY) > this.#queue.now) return
        me.session.tick(this.#queue.now)
        this.#flush(side)
      })
    }
  }

  #apply(me: Side, effect: SessionEffect): void {
    if (effect.type === 'send') me.outbox.push(effect.frame)
    else if (effect.type === 'streamData') me.unread.push({ stream: effect.stream, bytes: effect.data.byteLength })
  }

  #receive(side: 0 | 1, frames: readonly Frame[]): void {
    const me = this.#sides[side]
    this.#readBudget(me)
    for (const frame of frames) me.session.receive(0, frame, this.#queue.now)
    this.#flush(side)
    if (!this.#habits[side].reads) return
    for (const { stream, bytes } of me.unread.splice(0)) me.session.consume(stream, bytes, this.#queue.now)
    this.#flush(side)
  }

  #carry(from: 0 | 1, bytes: number, onArrival: () => void): void {
    const to = (1 - from) as 0 | 1
    this.#sides[from].sentBytes += bytes
    this.#carriedBytes += bytes
    if (this.#carriedBytes > this.#limitBytes) {
      throw new BrokenInvariantError(
        `shared limit ${this.#seed} at ${this.#queue.now.toFixed(0)} ms: ${this.#carriedBytes} bytes on a circuit of ${this.#limitBytes}`
      )
    }
    const at = Math.max(this.#queue.now + this.#delayMs[from](), this.#arrivesAt[to]!)
    this.#arrivesAt[to] = at
    this.#queue.at(at, () => {
      this.#sides[to].receivedBytes += bytes
      onArrival()
    })
  }

  #readBudget({ session, sentBytes, receivedBytes }: Side): void {
    const left = this.#limitBytes - SETUP_BYTES - sentBytes - receivedBytes
    session.setBudget(0, Math.max(0, left), true, this.#queue.now)
  }
}

function* messages(frames: readonly Frame[]): Generator<{ frames: Frame[]; bytes: number }> {
  let message: { frames: Frame[]; bytes: number } = { frames: [], bytes: 0 }
  for (const frame of frames) {
    const bytes = encodeFrame(frame).reduce((sum, part) => sum + part.byteLength, 0)
    if (message.bytes > 0 && message.bytes + bytes > MAX_MESSAGE_BYTES) {
      yield message
      message = { frames: [], bytes: 0 }
    }
    message.frames.push(frame)
    message.bytes += bytes
  }
  if (message.bytes > 0) yield message
}
