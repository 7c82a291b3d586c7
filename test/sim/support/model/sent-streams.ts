import type { StreamFrame } from '../../../../src/wire/index.ts'
import { fail } from '../fail.ts'
import type { Direction } from '../ledger.ts'
import { Intervals } from './intervals.ts'

interface SentStream {
  readonly direction: Direction
  readonly acked: Intervals
  finAcked: boolean
  /** Sent on a path that is gone or suspect, on no other since, and not acknowledged. */
  readonly homeless: Intervals
  finHomeless: boolean
}

/** The bytes of each stream one side sent: which of them the peer has, and which must be sent again. */
export class SentStreams {
  readonly #streams = new Map<number, SentStream>()

  start(stream: number, direction: Direction): void {
    const sent = { direction, acked: new Intervals(), finAcked: false, homeless: new Intervals(), finHomeless: false }
    this.#streams.set(stream, sent)
  }

  onSent({ stream: id, offset, data, fin }: StreamFrame): void {
    const stream = this.#streams.get(id)
    if (stream == null) return
    const { direction, acked, homeless } = stream
    const end = offset + data.byteLength
    if (end > direction.written) fail(`${direction.name}: sent up to ${end}, only ${direction.written} were written`)
    if (acked.touches(offset, end)) fail(`${direction.name}: ${offset}..${end} is sent again though acknowledged`)
    homeless.remove(offset, end)
    if (fin) stream.finHomeless = false
  }

  onAcked({ stream: id, offset, data, fin }: StreamFrame): void {
    const stream = this.#streams.get(id)
    if (stream == null) return
    stream.acked.add(offset, offset + data.byteLength)
    stream.homeless.remove(offset, offset + data.byteLength)
    if (!fin) return
    stream.finAcked = true
    stream.finHomeless = false
  }

  /** `elsewhere`: whether this is under way on another path as well. */
  onHomeless({ stream: id, offset, data, fin }: StreamFrame, elsewhere: Iterable<StreamFrame>): void {
    const stream = this.#streams.get(id)
    if (stream == null) return
    const lost = new Intervals()
    lost.add(offset, offset + data.byteLength)
    let finLost = fin && !stream.finAcked
    for (const other of elsewhere) {
      if (other.stream !== id) continue
      lost.remove(other.offset, other.offset + other.data.byteLength)
      if (other.fin) finLost = false
    }
    for (const [from, to] of stream.acked) lost.remove(from, to)
    for (const [from, to] of lost) stream.homeless.add(from, to)
    stream.finHomeless ||= finLost
  }

  /** Bytes that must still be kept: written, and not acknowledged from the first on. */
  get keptBytes(): number {
    let sum = 0
    for (const [id, { direction, acked, finAcked }] of this.#streams) {
      const kept = direction.written - acked.prefix
      if (direction.resetByWriter || (kept === 0 && finAcked)) this.#streams.delete(id)
      else sum += kept
    }
    return sum
  }

  /** For people; undefined when there is none. */
  get homeless(): string | undefined {
    for (const { direction, homeless, finHomeless } of this.#streams.values()) {
      if (direction.resetByWriter) continue
      if (!homeless.isEmpty) return `${direction.name} ${homeless}`
      if (finHomeless) return `the end of ${direction.name}`
    }
    return undefined
  }
}
