// What is counted, without streams and clocks. Frames have consecutive numbers from 0; each end keeps a digest that runs
// over all frames in order, so that a changed, lost, repeated or swapped one shows from there on.
import { sha256 } from '@noble/hashes/sha2.js'

/** What a receiver has seen so far. */
export interface Report {
  /** Frames that came in, the same one twice included. */
  readonly frames: number
  /** The highest number seen; -1 before the first. */
  readonly highest: number
  /** Bytes of different frames. */
  readonly arrivedBytes: number
  readonly repeatedBytes: number
  /** Bytes that came after a frame with a higher number. */
  readonly reorderedBytes: number
  /** Over the frames as they came in. */
  readonly digest: string
}

export interface Totals {
  readonly sentBytes: number
  readonly arrivedBytes: number
  /** Sent after the last frame the other side has seen. */
  readonly inFlightBytes: number
  /** Sent before a frame that arrived, or on a stream that is gone, and never seen. */
  readonly lostBytes: number
  readonly repeatedBytes: number
  readonly reorderedBytes: number
  /** Everything arrived, and yet the digests differ. */
  readonly isAltered: boolean
}

export const nothing: Totals = {
  sentBytes: 0,
  arrivedBytes: 0,
  inFlightBytes: 0,
  lostBytes: 0,
  repeatedBytes: 0,
  reorderedBytes: 0,
  isAltered: false
}

/** A gap of more frames than this is no gap, the numbers are nonsense. */
const maxMissingFrames = 100_000

class RunningDigest {
  #last = new Uint8Array(32)

  add(frame: Uint8Array): void {
    const next = sha256.create()
    next.update(this.#last)
    next.update(frame)
    this.#last = new Uint8Array(next.digest())
  }

  get hex(): string {
    return Array.from(this.#last.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}

interface SentFrame {
  /** Bytes of all frames up to and with this one. */
  readonly totalBytes: number
  readonly digest: string
}

/** What one stream of numbered frames sent, compared with what the other side reports. */
export class SendingLedger {
  readonly #digest = new RunningDigest()
  /** By number; those before the last report are not needed any more. */
  readonly #sent = new Map<number, SentFrame>()
  #frames = 0
  #sentBytes = 0
  #seenBytes = 0
  #report: Omit<Report, 'frames' | 'digest'> = { highest: -1, arrivedBytes: 0, repeatedBytes: 0, reorderedBytes: 0 }
  #isAltered = false
  #isGone = false

  /** The number of the next frame. */
  get next(): number {
    return this.#frames
  }

  sent(frame: Uint8Array): void {
    this.#digest.add(frame)
    this.#sentBytes += frame.byteLength
    this.#sent.set(this.#frames, { totalBytes: this.#sentBytes, digest: this.#digest.hex })
    this.#frames++
  }

  /** @throws {RangeError} it speaks of frames that were never sent */
  reported(report: Report): void {
    if (report.highest < this.#report.highest) throw new RangeError('the reports are out of order')
    if (report.highest >= 0) {
      const upTo = this.#sent.get(report.highest)
      if (upTo == null) throw new RangeError('a frame is reported that was never sent')
      if (report.arrivedBytes > upTo.totalBytes) throw new RangeError('more is reported than was sent')
      this.#seenBytes = upTo.totalBytes
      const isWhole = report.frames === report.highest + 1 && report.arrivedBytes === upTo.totalBytes
      if (isWhole && report.digest !== upTo.digest) this.#isAltered = true
      for (let number = this.#report.highest; number < report.highest; number++) this.#sent.delete(number)
    }
    this.#report = report
  }

  /** The stream is gone: what is on its way will not come. */
  gone(): void {
    this.#isGone = true
  }

  get totals(): Totals {
    const { arrivedBytes, repeatedBytes, reorderedBytes } = this.#report
    const behind = this.#sentBytes - this.#seenBytes
    return {
      sentBytes: this.#sentBytes,
      arrivedBytes,
      inFlightBytes: this.#isGone ? 0 : behind,
      lostBytes: this.#seenBytes - arrivedBytes + (this.#isGone ? behind : 0),
      repeatedBytes,
      reorderedBytes,
      isAltered: this.#isAltered
    }
  }
}

/** What comes in on one stream of numbered frames. */
export class ReceivingLedger {
  readonly #digest = new RunningDigest()
  readonly #missing = new Set<number>()
  #frames = 0
  #highest = -1
  #arrivedBytes = 0
  #repeatedBytes = 0
  #reorderedBytes = 0

  /** @throws {RangeError} the number cannot be right */
  received(number: number, frame: Uint8Array): void {
    if (number - this.#highest - 1 + this.#missing.size > maxMissingFrames)
      throw new RangeError('too many frames are missing')
    this.#frames++
    this.#digest.add(frame)
    if (number > this.#highest) {
      for (let missing = this.#highest + 1; missing < number; missing++) this.#missing.add(missing)
      this.#highest = number
      this.#arrivedBytes += frame.byteLength
    } else if (this.#missing.delete(number)) {
      this.#arrivedBytes += frame.byteLength
      this.#reorderedBytes += frame.byteLength
    } else {
      this.#repeatedBytes += frame.byteLength
    }
  }

  get report(): Report {
    return {
      frames: this.#frames,
      highest: this.#highest,
      arrivedBytes: this.#arrivedBytes,
      repeatedBytes: this.#repeatedBytes,
      reorderedBytes: this.#reorderedBytes,
      digest: this.#digest.hex
    }
  }
}

export function sum(all: Iterable<Totals>): Totals {
  let total = nothing
  for (const one of all) {
    total = {
      sentBytes: total.sentBytes + one.sentBytes,
      arrivedBytes: total.arrivedBytes + one.arrivedBytes,
      inFlightBytes: total.inFlightBytes + one.inFlightBytes,
      lostBytes: total.lostBytes + one.lostBytes,
      repeatedBytes: total.repeatedBytes + one.repeatedBytes,
      reorderedBytes: total.reorderedBytes + one.reorderedBytes,
      isAltered: total.isAltered || one.isAltered
    }
  }
  return total
}
