import { type SessionCore, type SessionEffect, TooManyStreamsError } from '../../../src/session/index.ts'
import type { EventQueue } from './event-queue.ts'
import { fail } from './fail.ts'
import type { Ledger } from './ledger.ts'
import { Reader } from './reader.ts'
import type { Stats } from './stats.ts'
import type { SessionPlan } from './stream-plan.ts'
import { Writer } from './writer.ts'

export interface AppInit {
  readonly side: 0 | 1
  readonly session: SessionCore
  readonly ledger: Ledger
  readonly plan: SessionPlan
  readonly queue: EventQueue
  readonly stats: Stats
  /** Call after commands given outside of an effect, so that effects are taken. */
  readonly touched: () => void
  readonly onStart: (stream: number) => void
}

const OPEN_RETRY_MS = 20

/** The application on one side of one session: opens, writes, reads, gives up as planned, and checks what it is told. */
export class App {
  readonly #init: AppInit
  readonly #writers = new Map<number, Writer>()
  readonly #readers = new Map<number, Reader>()
  /** Commands that must not fall between the effects of one batch. */
  #later: Array<() => void> = []
  /** Delivered and not consumed, over all streams. */
  unconsumedBytes = 0
  peerClosed: number | undefined
  closed = false
  /** Streams that could not be opened yet. */
  #toOpen = 0
  #settled = false

  constructor(init: AppInit) {
    this.#init = init
    for (const plan of init.plan.streams[init.side]) {
      init.queue.after(plan.openAfterMs, () => this.#open())
    }
  }

  /** Readers take everything from now on. */
  settle(): void {
    this.#settled = true
    for (const reader of this.#readers.values()) reader.hurry()
  }

  close(): void {
    const { session, ledger, queue } = this.#init
    ledger.closing = true
    for (const writer of this.#writers.values()) writer.cutShort()
    session.close(queue.now)
  }

  abort(code: number): void {
    const { session, ledger, queue } = this.#init
    ledger.closing = true
    session.abort(code, queue.now)
  }

  /** Every planned stream of both sides is known here, and every writer is done. */
  get hasWritten(): boolean {
    const { streams } = this.#init.plan
    if (this.#writers.size < streams[0].length + streams[1].length) return false
    for (const writer of this.#writers.values()) if (!writer.isDone) return false
    return true
  }

  knows(stream: number): boolean {
    return this.#readers.has(stream)
  }

  /** For people. */
  describeWriters(): string {
    const unfinished = [...this.#writers].filter(([, { isDone }]) => !isDone)
    return unfinished.map(([stream, { isWaiting }]) => `stream ${stream} ${isWaiting ? 'waits' : 'writes'}`).join()
  }

  onEffect(effect: SessionEffect): void {
    if (this.closed) fail(`Effect ${effect.type} after closed`)
    const { side, ledger, stats } = this.#init
    switch (effect.type) {
      case 'streamOpen':
        ledger.onAnnounced(side, effect.stream)
        this.#start(effect.stream)
        return
      case 'streamData':
        stats.bytes += effect.data.byteLength
        this.#incoming(effect.stream).onData(effect.data)
        this.unconsumedBytes += effect.data.byteLength
        this.#reader(effect.stream).onData(effect.data.byteLength)
        return
      case 'streamEnd':
        this.#incoming(effect.stream).onEnd()
        this.#reader(effect.stream).onOver()
        return
      case 'streamReset':
        stats.resets++
        this.#incoming(effect.stream).onReset(ledger.closing)
        this.#reader(effect.stream).onReset()
        return
      case 'streamStopped':
        stats.stops++
        ledger.directions(effect.stream)[side].onStopped(ledger.closing)
        this.#writers.get(effect.stream)?.cutShort()
        return
      case 'streamWritable': {
        const writer = this.#writers.get(effect.stream)
        if (writer == null || !writer.isWaiting) fail(`streamWritable for stream ${effect.stream}, which does not wait`)
        this.#later.push(() => writer.resume())
        return
      }
      case 'peerClosed':
        if (this.peerClosed != null) fail('peerClosed twice')
        if (!ledger.closing) fail('peerClosed though nobody closed')
        this.peerClosed = effect.code
        if (effect.code === 0) this.#checkAllDelivered()
        return
      case 'closed':
        this.closed = true
        if (effect.code === 0) this.#checkAllTaken()
        return
    }
  }

  /** Runs what the effects of the last batch led to; false when that was nothing. */
  runLater(): boolean {
    if (this.#later.length === 0) return false
    const later = this.#later
    this.#later = []
    for (const run of later) if (!this.closed) run()
    return true
  }

  #open(): void {
    this.#toOpen++
    if (this.#toOpen === 1) this.#openNext()
  }

  #openNext(): void {
    const { side, session, ledger, queue, stats } = this.#init
    while (this.#toOpen > 0) {
      if (this.closed || session.status !== 'open') return
      let stream: number
      try {
        stream = session.openStream(queue.now)
      } catch (err) {
        if (!(err instanceof TooManyStreamsError)) throw err
        stats.streamsRefused++
        queue.after(OPEN_RETRY_MS, () => this.#openNext())
        return
      }
      this.#toOpen--
      stats.streams++
      ledger.onOpen(side, stream)
      this.#start(stream)
      this.#init.touched()
    }
  }

  #start(stream: number): void {
    const { side, session, ledger, plan, queue, stats } = this.#init
    const { directions } = plan.streams[(stream & 1) as 0 | 1][stream >> 1] ?? fail(`No plan for stream ${stream}`)
    const outgoing = ledger.directions(stream)[side]
    const writer = new Writer(session, stream, outgoing, directions[side], queue, stats)
    this.#writers.set(stream, writer)
    this.#init.onStart(stream)
    this.#readers.set(stream, this.#createReader(stream, directions[1 - side]!.reader))
    const startAfterMs = directions[side].startAfterMs
    if (startAfterMs === 0) this.#later.push(() => writer.run())
    else queue.after(startAfterMs, () => this.#run(writer))
    writer.onPaused = (forMs) => queue.after(forMs, () => this.#run(writer))
  }

  #run(writer: Writer): void {
    if (this.closed) return
    writer.run()
    this.#init.touched()
  }

  #createReader(stream: number, plan: ConstructorParameters<typeof Reader>[0]): Reader {
    const { session, queue } = this.#init
    const incoming = this.#incoming(stream)
    const reader = new Reader(plan, {
      consume: (bytes) => {
        this.unconsumedBytes -= bytes
        incoming.consumed += bytes
        session.consume(stream, bytes, queue.now)
      },
      drop: (bytes) => {
        this.unconsumedBytes -= bytes
      },
      stop: () => {
        if (incoming.isOver) return
        incoming.stoppedByReader = true
        session.stopSending(stream, 7, queue.now)
      },
      later: (run) => this.#later.push(run),
      after: (ms, run) =>
        queue.after(ms, () => {
          if (this.closed) return
          run()
          this.#init.touched()
        })
    })
    if (this.#settled) reader.hurry()
    return reader
  }

  #incoming(stream: number) {
    return this.#init.ledger.directions(stream)[1 - this.#init.side]!
  }

  #reader(stream: number): Reader {
    return this.#readers.get(stream) ?? fail(`Effect for stream ${stream} before it was opened`)
  }

  #checkAllDelivered(): void {
    for (const stream of this.#readers.keys()) {
      const incoming = this.#incoming(stream)
      if (!incoming.isOver) fail(`peerClosed 0 though ${incoming.name} is not over`)
    }
  }

  /** Close means delivered: the peer has the end of all that was finished here, unless it turned the stream away. */
  #checkAllTaken(): void {
    const { side, ledger } = this.#init
    for (const stream of this.#writers.keys()) {
      const { name, finished, resetByWriter, isOver } = ledger.directions(stream)[side]
      const isSeen = (stream & 1) !== side || stream >> 1 < ledger.announced[side]!
      if (isSeen && finished && !resetByWriter && !isOver) fail(`closed 0 though the peer does not have all of ${name}`)
    }
  }
}
