import type { Frame } from '../../../../src/wire/index.ts'
import { encodeFrame, FrameDecoder } from '../../../../src/wire/index.ts'
import type { EventQueue } from '../event-queue.ts'
import { fail } from '../fail.ts'
import { Circuit, type CircuitLimits } from './circuit.ts'

/** What the simulated world allows right now. */
export interface Weather {
  /** Circuits can be dialled, and stay. */
  relayUp: boolean
  /** Bytes on circuits vanish without a sign. */
  relaySilent: boolean
  /** ICE succeeds. */
  directPossible: boolean
  /** Bytes on direct carriers vanish without a sign. */
  directSilent: boolean
  /** What the relay allows each circuit; undefined: no limit. */
  limits: CircuitLimits | undefined
}

export interface CarrierEnd {
  onFrames(frames: Frame[]): void
  onClosed(cause: string): void
}

/** A reliable, ordered pipe that may go silent or close; frames cross it as bytes. */
export class SimCarrier {
  readonly kind: 'relayed' | 'webrtc'
  readonly #queue: EventQueue
  readonly #weather: Weather
  readonly #delayMs: number
  readonly #ends: [CarrierEnd | undefined, CarrierEnd | undefined] = [undefined, undefined]
  readonly #decoders = [new FrameDecoder(), new FrameDecoder()] as const
  /** A silence breaks a carrier for good, as a lost TCP segment would: nothing after it is delivered. */
  readonly #broken = [false, false]
  readonly circuit: Circuit | undefined
  readonly #onLimit: (works: boolean) => void

  constructor(
    kind: 'relayed' | 'webrtc',
    queue: EventQueue,
    weather: Weather,
    delayMs: number,
    onLimit: (works: boolean) => void
  ) {
    this.kind = kind
    this.#queue = queue
    this.#weather = weather
    this.#delayMs = delayMs
    this.#onLimit = onLimit
    if (kind === 'webrtc' || weather.limits == null) return
    this.circuit = new Circuit(weather.limits, queue.now)
    queue.after(weather.limits.durationMs, () => this.#endInTime())
  }

  connect(side: 0 | 1, end: CarrierEnd): void {
    this.#ends[side] = end
  }

  send(from: 0 | 1, frames: readonly Frame[]): void {
    if (this.#ends[from] == null) return
    const to = (1 - from) as 0 | 1
    if (this.#isSilent) {
      this.#broken[to] = true
      return
    }
    const message = join(frames.flatMap((frame) => encodeFrame(frame)))
    if (this.circuit?.onSent(from, message.byteLength) === false && this.#weather.limits != null) {
      fail(`side ${from} sends beyond the ${this.circuit.limits.bytes} bytes of its circuit`)
    }
    this.#queue.after(this.#delayMs, () => {
      if (this.#isSilent) this.#broken[to] = true
      const end = this.#ends[to]
      if (end == null || this.#broken[to]) return
      this.circuit?.onReceived(to, message.byteLength)
      end.onFrames([...this.#decoders[to].push(message)])
    })
  }

  /** By one end; the other hears of it unless the carrier is silent. */
  close(by: 0 | 1, cause: string): void {
    if (this.#ends[by] == null) return
    this.#ends[by] = undefined
    const to = (1 - by) as 0 | 1
    this.#queue.after(this.#delayMs, () => {
      const end = this.#ends[to]
      if (end == null || this.#isSilent) return
      this.#ends[to] = undefined
      end.onClosed(cause)
    })
  }

  /** Cut in the middle: both ends hear of it. */
  cut(cause: string): void {
    for (const side of [0, 1] as const) {
      const end = this.#ends[side]
      this.#ends[side] = undefined
      if (end != null) this.#queue.after(this.#delayMs, () => end.onClosed(cause))
    }
  }

  /** Limits may have been lifted since. */
  #endInTime(): void {
    if (this.#weather.limits == null || !this.isOpen) return
    this.#onLimit(this.works)
    this.cut('time limit of the circuit')
  }

  get isOpen(): boolean {
    return this.#ends.some((end) => end != null)
  }

  /** Nothing sent on it is lost. */
  get works(): boolean {
    return this.#ends.every((end) => end != null) && !this.#broken.some((broken) => broken) && !this.#isSilent
  }

  get #isSilent(): boolean {
    return this.kind === 'relayed' ? this.#weather.relaySilent : this.#weather.directSilent
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.byteLength
  }
  return out
}
