import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { ReceivingLedger, SendingLedger, type Totals } from './ledger.ts'
import { decodePulse, decodeReport, encodePulse, encodeReport, maxFrameBytes } from './pulse-frames.ts'

/** 50 a second, about 50 kB/s: enough to notice a gap of a few hundredths of a second, too little to be in the way. */
export const pulseIntervalMs = 20

const reportIntervalMs = 100

/** Numbered frames over one stream, and what the other side reports of them. */
export class Pulse {
  readonly #stream: Stream
  readonly #frames
  readonly #ledger = new SendingLedger()
  readonly #waiting: Array<{ readonly number: number; resolve(): void; reject(err: Error): void }> = []
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(stream: Stream) {
    this.#stream = stream
    this.#frames = lpStream(stream, { maxDataLength: maxFrameBytes })
    void this.#listen()
  }

  get totals(): Totals {
    return this.#ledger.totals
  }

  get isOpen(): boolean {
    return this.#stream.status === 'open' && this.#stream.writeStatus === 'writable'
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      // Full: the link holds all it may of what the other side has not got yet.
      if (this.isOpen && !this.#stream.writableNeedsDrain) this.#send(false)
    }, pulseIntervalMs)
  }

  pause(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Resolves when the other side has seen a frame sent now, and all before it. @throws the stream ended first */
  there(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ number: this.#ledger.next, resolve, reject })
    this.#send(true)
    return promise
  }

  /** What is on its way still arrives, and is reported. */
  async end(): Promise<void> {
    this.pause()
    if (this.isOpen) await this.#stream.close().catch(() => {})
  }

  #send(isUrgent: boolean): void {
    const frame = encodePulse({ number: this.#ledger.next, isUrgent })
    this.#ledger.sent(frame)
    this.#frames.write(frame).catch(() => {})
  }

  async #listen(): Promise<void> {
    try {
      for (;;) {
        const report = decodeReport((await this.#frames.read()).subarray())
        this.#ledger.reported(report)
        while (this.#waiting[0] != null && this.#waiting[0].number <= report.highest) this.#waiting.shift()?.resolve()
      }
    } catch (err) {
      this.pause()
      // Closed in order, by us or with the link, it delivers what was sent, whether that is reported or not.
      if ((err as Error).name !== 'UnexpectedEOFError') {
        this.#ledger.gone()
        this.#stream.abort(err as Error)
      }
      for (const { reject } of this.#waiting.splice(0)) reject(err as Error)
    }
  }
}

/** The other side of a pulse: reports what came in. */
export async function answerPulse(stream: Stream): Promise<void> {
  const frames = lpStream(stream, { maxDataLength: maxFrameBytes })
  const ledger = new ReceivingLedger()
  let reported = -1
  const report = (): void => {
    const now = ledger.report
    if (now.frames === reported || stream.writeStatus !== 'writable') return
    reported = now.frames
    frames.write(encodeReport(now)).catch(() => {})
  }
  const timer = setInterval(report, reportIntervalMs)
  try {
    for (;;) {
      const frame = (await frames.read()).subarray()
      const { number, isUrgent } = decodePulse(frame)
      ledger.received(number, frame)
      if (isUrgent) report()
    }
  } catch (err) {
    report()
    if ((err as Error).name !== 'UnexpectedEOFError') stream.abort(err as Error)
    else await stream.close().catch(() => {})
  } finally {
    clearInterval(timer)
  }
}
