import { CREDIT_FRACTION, MAX_GAPS } from './config.ts'
import { FlowControlError, ProtocolViolationError } from './errors.ts'

/** Pieces kept per stream before adjacent ones are merged: rare enough that the copying costs less than the frames did. */
const MAX_SEGMENTS = 2 * MAX_GAPS

/**
 * - `open`: delivers what arrives in order
 * - `ended`: FIN seen and everything delivered
 * - `reset`: the peer gave up
 * - `stopped`: we gave up reading; what still arrives is counted and dropped
 */
export type ReceiveStatus = 'open' | 'ended' | 'reset' | 'stopped'

/** The receiving direction of one stream: reassembly by offset, duplicates dropped, first write wins. */
export class ReceiveHalf {
  status: ReceiveStatus = 'open'
  finalOffset: number | undefined
  /** Highest offset received. */
  highest = 0
  /** Delivered bytes the application took, or that were dropped. */
  consumed = 0

  #granted: number
  #delivered = 0
  #buffered = 0
  readonly #segments: Array<{ offset: number; data: Uint8Array }> = []

  constructor(granted: number) {
    this.#granted = granted
  }

  /** Highest offset the peer may send. */
  get granted(): number {
    return this.#granted
  }

  get bufferedBytes(): number {
    return this.#buffered
  }

  /** The peer will send nothing new, and we know where it ended. */
  get isSettled(): boolean {
    return this.status === 'ended' || this.status === 'reset' || (this.status === 'stopped' && this.finalOffset != null)
  }

  /** It has ended, and the application has not read all of it. */
  get isUnread(): boolean {
    return this.status === 'ended' && this.consumed !== this.finalOffset
  }

  /**
   * What became deliverable, in order.
   *
   * @throws {FlowControlError} beyond the credit given
   * @throws {ProtocolViolationError} contradicts the final size, or leaves too many gaps
   */
  receive(offset: number, data: Uint8Array, fin: boolean): Uint8Array[] {
    const end = offset + data.byteLength
    if (end > this.#granted)
      throw new FlowControlError(`Peer sent stream bytes up to ${end}, its credit is ${this.#granted}`)
    if (fin) this.#settle(end)
    if (this.finalOffset != null && end > this.finalOffset) {
      throw new ProtocolViolationError(`Peer sent stream bytes up to ${end} after ending it at ${this.finalOffset}`)
    }
    this.highest = Math.max(this.highest, end)
    if (this.status === 'stopped') this.consumed = this.highest
    if (this.status !== 'open') return []
    const out: Uint8Array[] = []
    if (end > this.#delivered) {
      if (offset <= this.#delivered && this.#segments.length === 0) {
        out.push(data.subarray(this.#delivered - offset))
        this.#delivered = end
      } else {
        const from = Math.max(offset, this.#delivered)
        this.#keep(from, data.subarray(from - offset))
        this.#drain(out)
      }
    }
    if (this.finalOffset === this.#delivered) this.status = 'ended'
    return out
  }

  /** The application took this many of the delivered bytes. */
  consume(bytes: number): void {
    this.consumed = Math.min(this.consumed + bytes, this.#delivered)
  }

  /** Gives credit for what was consumed, if that is worth a frame: says whether it is. */
  grant(window: number): boolean {
    const max = this.consumed + window
    if (this.finalOffset != null || max - this.#granted < window / CREDIT_FRACTION) return false
    this.#granted = max
    return true
  }

  /** @throws {ProtocolViolationError} contradicts what was received */
  reset(finalOffset: number): void {
    if (finalOffset > this.#granted) {
      throw new FlowControlError(`Peer reset a stream at ${finalOffset}, its credit is ${this.#granted}`)
    }
    this.#settle(finalOffset)
    this.highest = finalOffset
    if (this.status === 'open') this.status = 'reset'
    if (this.status !== 'ended') this.#dropAll()
  }

  stop(): void {
    if (this.status !== 'open') return
    this.status = 'stopped'
    this.#dropAll()
  }

  /** The peer closed without naming this stream. */
  abandon(): void {
    if (this.status === 'open') this.status = 'reset'
    this.#dropAll()
  }

  #settle(finalOffset: number): void {
    if (this.finalOffset != null && this.finalOffset !== finalOffset) {
      throw new ProtocolViolationError(`Peer ended a stream at ${this.finalOffset} and then at ${finalOffset}`)
    }
    if (finalOffset < this.highest) {
      throw new ProtocolViolationError(`Peer ended a stream at ${finalOffset} after sending up to ${this.highest}`)
    }
    this.finalOffset = finalOffset
  }

  #dropAll(): void {
    this.#segments.length = 0
    this.#buffered = 0
    this.consumed = this.highest
  }

  /** Keeps only bytes not held yet, copied: the chunk they came in is larger and not ours. */
  #keep(offset: number, data: Uint8Array): void {
    const end = offset + data.byteLength
    let at = 0
    const segments = this.#segments
    let from = offset
    while (from < end) {
      while (at < segments.length && segments[at]!.offset + segments[at]!.data.byteLength <= from) at++
      const next = segments[at]
      if (next != null && next.offset <= from) {
        from = next.offset + next.data.byteLength
        continue
      }
      const to = Math.min(end, next?.offset ?? end)
      segments.splice(at, 0, { offset: from, data: data.slice(from - offset, to - offset) })
      this.#buffered += to - from
      from = to
    }
    if (segments.length > MAX_SEGMENTS) this.#merge()
    if (this.#gaps > MAX_GAPS) {
      throw new ProtocolViolationError(
        `Peer left more than ${MAX_GAPS} gaps in a stream: paths are ordered, so few can arise`
      )
    }
  }

  /** Adjacent segments become one: many tiny frames must not cost many times their bytes. */
  #merge(): void {
    const segments = this.#segments
    const merged: typeof segments = []
    for (let first = 0; first < segments.length; ) {
      const { offset } = segments[first]!
      let end = offset
      let next = first
      while (next < segments.length && segments[next]!.offset === end) end += segments[next++]!.data.byteLength
      const data = next === first + 1 ? segments[first]!.data : new Uint8Array(end - offset)
      if (next > first + 1) {
        for (const part of segments.slice(first, next)) data.set(part.data, part.offset - offset)
      }
      merged.push({ offset, data })
      first = next
    }
    segments.splice(0, segments.length, ...merged)
  }

  get #gaps(): number {
    let gaps = 0
    let end = this.#delivered
    for (const segment of this.#segments) {
      if (segment.offset > end) gaps++
      end = segment.offset + segment.data.byteLength
    }
    return gaps
  }

  #drain(out: Uint8Array[]): void {
    let whole = 0
    for (const { offset, data } of this.#segments) {
      if (offset > this.#delivered) break
      whole++
      this.#buffered -= data.byteLength
      const end = offset + data.byteLength
      if (end <= this.#delivered) continue
      out.push(data.subarray(this.#delivered - offset))
      this.#delivered = end
    }
    if (whole > 0) this.#segments.splice(0, whole)
  }
}
