import { FREE_STREAM_BYTES, type Session, type SessionConfig } from '../../../src/session/index.ts'
import { MAX_STREAM_PAYLOAD } from '../../../src/wire/index.ts'
import { fail } from './fail.ts'

/** Ticks at one instant, and within one millisecond: more is a spin. */
const MAX_TICKS_AT_ONCE = 3
const MAX_TICKS_PER_MS = 30
/** One frame may begin just below the limit, and control frames are not held back. */
const IN_FLIGHT_SLACK = MAX_STREAM_PAYLOAD + 4_096
const MAX_IN_FLIGHT = 16_777_216

/** What must hold on one side whenever its session has come to rest. */
export class SessionChecks {
  readonly #side: 0 | 1
  readonly #config: SessionConfig
  /** Paths that STREAM frames left on since the last check. */
  readonly #sentOn = new Set<number>()
  #tickedAt = -1
  #ticksAtOnce = 0
  #tickedMs = -1
  #ticksInMs = 0

  constructor(side: 0 | 1, config: SessionConfig) {
    this.#side = side
    this.#config = config
  }

  onTick(now: number): void {
    const ms = Math.floor(now)
    this.#ticksAtOnce = this.#tickedAt === now ? this.#ticksAtOnce + 1 : 1
    this.#ticksInMs = this.#tickedMs === ms ? this.#ticksInMs + 1 : 1
    this.#tickedAt = now
    this.#tickedMs = ms
    if (this.#ticksAtOnce > MAX_TICKS_AT_ONCE) this.#fail(`asks for ${this.#ticksAtOnce} ticks at one instant`)
    if (this.#ticksInMs > MAX_TICKS_PER_MS) this.#fail(`asks for ${this.#ticksInMs} ticks in one millisecond`)
  }

  onStreamSent(path: number): void {
    this.#sentOn.add(path)
  }

  /** `unconsumedBytes`: delivered, and not yet taken by the application. */
  check(session: Session, unconsumedBytes: number): void {
    const { maxSendBuffer, sessionWindow } = this.#config
    const { sendBufferedBytes, receiveBufferedBytes, streamCount } = session
    if (sendBufferedBytes < 0 || receiveBufferedBytes < 0) this.#fail('counts a negative sum of buffered bytes')
    const prefixes = FREE_STREAM_BYTES * streamCount
    if (sendBufferedBytes > maxSendBuffer + prefixes) {
      this.#fail(
        `keeps ${sendBufferedBytes} bytes for sending, the limit is ${maxSendBuffer} and ${prefixes} of prefixes`
      )
    }
    const received = receiveBufferedBytes + unconsumedBytes
    if (received > sessionWindow + prefixes) {
      this.#fail(`holds ${received} received bytes, the window is ${sessionWindow} and ${prefixes} of prefixes`)
    }
    if (this.#sentOn.size > 0) this.#checkInFlight(session)
  }

  /** The limit may sink below what is in flight, but nothing is added then. */
  #checkInFlight(session: Session): void {
    for (const { path, inFlightBytes, inFlightLimit } of session.paths()) {
      if (this.#sentOn.has(path) && inFlightBytes > inFlightLimit + IN_FLIGHT_SLACK) {
        this.#fail(`has ${inFlightBytes} bytes in flight on path ${path}, the limit is ${inFlightLimit}`)
      }
      if (inFlightBytes < 0 || inFlightLimit > MAX_IN_FLIGHT) this.#fail('has lost count of what is in flight')
    }
    this.#sentOn.clear()
  }

  #fail(what: string): never {
    fail(`side ${this.#side} ${what}`)
  }
}
