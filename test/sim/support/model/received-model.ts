import type { Frame } from '../../../../src/wire/index.ts'
import { isCounted } from '../../../support/counted.ts'
import { fail } from '../fail.ts'
import type { Direction } from '../ledger.ts'
import { Intervals } from './intervals.ts'

interface Receipts {
  received: number
  acked: number
}

/** What one side received, by its frames alone: what it may acknowledge, must deliver, and holds behind gaps. */
export class ReceivedModel {
  readonly #streamWindow: number
  readonly #receipts = new Map<number, Receipts>()
  readonly #streams = new Map<number, { readonly direction: Direction; readonly received: Intervals }>()
  readonly #touched = new Set<number>()
  /** Bytes behind gaps, of streams that have any. */
  readonly #held = new Map<number, number>()

  constructor(streamWindow: number) {
    this.#streamWindow = streamWindow
  }

  onAttached(path: number): void {
    this.#receipts.set(path, { received: 0, acked: 0 })
  }

  onDetached(path: number): void {
    this.#receipts.delete(path)
  }

  onIn(path: number, frame: Frame, direction: (stream: number) => Direction): void {
    if (!isCounted(frame)) return
    this.#receipts.get(path)!.received++
    if (frame.type !== 'stream') return
    const { stream, offset, data } = frame
    let known = this.#streams.get(stream)
    if (known == null) {
      known = { direction: direction(stream), received: new Intervals() }
      this.#streams.set(stream, known)
    }
    const { name, isOver, consumed } = known.direction
    if (isOver) return
    const end = offset + data.byteLength
    if (end > consumed + this.#streamWindow) fail(`${name}: sent up to ${end}, only ${consumed} bytes were consumed`)
    known.received.add(offset, end)
    this.#touched.add(stream)
  }

  onOut(path: number, frame: Frame): void {
    if (frame.type !== 'ack') return
    const receipts = this.#receipts.get(frame.path) ?? fail(`acknowledges path ${frame.path}, which is not attached`)
    const { received, acked } = receipts
    if (frame.sequence > received) {
      fail(`acknowledges ${frame.sequence} frames of path ${frame.path}, ${received} came`)
    }
    if (frame.path !== path) return
    if (frame.sequence <= acked) fail(`acknowledges ${frame.sequence} frames of path ${path} after ${acked}`)
    receipts.acked = frame.sequence
  }

  /** At the end of a receiving task, on a carrier that takes bytes. */
  checkAcked(path: number): void {
    const receipts = this.#receipts.get(path)
    if (receipts != null && receipts.acked !== receipts.received) {
      fail(`${receipts.received} frames came on path ${path}, ${receipts.acked} are acknowledged`)
    }
  }

  /** Bytes waiting behind gaps. `isKnown`: the application has this stream; others are turned away. */
  heldBytes(isKnown: (stream: number) => boolean): number {
    for (const stream of this.#touched) {
      const { direction, received } = this.#streams.get(stream)!
      if (direction.isOver || !isKnown(stream)) continue
      const { prefix, total } = received
      if (direction.delivered !== prefix) {
        fail(`${direction.name}: received up to ${prefix}, delivered up to ${direction.delivered}`)
      }
      if (total > prefix) this.#held.set(stream, total - prefix)
      else this.#held.delete(stream)
    }
    this.#touched.clear()
    let sum = 0
    for (const [stream, bytes] of this.#held) {
      if (this.#streams.get(stream)!.direction.isOver) this.#held.delete(stream)
      else sum += bytes
    }
    return sum
  }
}
