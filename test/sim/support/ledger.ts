import { fail } from './fail.ts'
import { isContent } from './pattern.ts'

/** What one stream direction really did, against which the receiving core is held. */
export class Direction {
  /** Bytes the sending core accepted. */
  written = 0
  finished = false
  resetByWriter = false
  /** Bytes delivered to the reader. */
  delivered = 0
  /** Bytes the reader took. */
  consumed = 0
  ended = false
  resetSeen = false
  stoppedByReader = false
  stopSeen = false

  constructor(
    readonly name: string,
    readonly content: number
  ) {}

  get isOver(): boolean {
    return this.ended || this.resetSeen || this.stoppedByReader
  }

  onData(data: Uint8Array): void {
    if (data.byteLength === 0) fail(`${this.name}: empty data delivered`)
    if (this.isOver) fail(`${this.name}: data after its ${this.ended ? 'end' : this.resetSeen ? 'reset' : 'stop'}`)
    const end = this.delivered + data.byteLength
    if (end > this.written) fail(`${this.name}: delivered up to ${end}, only ${this.written} were written`)
    if (!isContent(this.content, this.delivered, data)) {
      fail(`${this.name}: other bytes delivered at ${this.delivered}..${end} than were written`)
    }
    this.delivered = end
  }

  onEnd(): void {
    if (this.isOver) fail(`${this.name}: ended after its ${this.ended ? 'end' : this.resetSeen ? 'reset' : 'stop'}`)
    if (!this.finished) fail(`${this.name}: ended though the writer did not finish`)
    if (this.delivered !== this.written) fail(`${this.name}: ended at ${this.delivered} of ${this.written}`)
    this.ended = true
  }

  /** `lawful`: the session ended or closed in a way that resets streams. */
  onReset(lawful: boolean): void {
    if (this.isOver) fail(`${this.name}: reset after its ${this.ended ? 'end' : this.resetSeen ? 'reset' : 'stop'}`)
    if (!lawful && !this.resetByWriter) fail(`${this.name}: reset though nobody reset it`)
    this.resetSeen = true
  }

  onStopped(lawful: boolean): void {
    if (this.stopSeen) fail(`${this.name}: stopped twice`)
    if (!lawful && !this.stoppedByReader) fail(`${this.name}: stopped though the reader did not stop`)
    this.stopSeen = true
    // The core answers with RESET by itself.
    this.resetByWriter = true
  }
}

/** Everything both applications did in one session. */
export class Ledger {
  readonly #streams = new Map<number, readonly [Direction, Direction]>()
  /** Stream ids opened so far, per opener, as the opener and as the other side saw it. */
  readonly opened = [0, 0]
  readonly announced = [0, 0]
  /** A side called `close` or `abort`: resets of late streams are lawful. */
  closing = false

  constructor(readonly index: number) {}

  /** By writing side. */
  directions(stream: number): readonly [Direction, Direction] {
    let found = this.#streams.get(stream)
    if (found == null) {
      const direction = (writer: number) =>
        new Direction(
          `session ${this.index} stream ${stream} from side ${writer}`,
          contentNumber(this.index, stream, writer)
        )
      found = [direction(0), direction(1)]
      this.#streams.set(stream, found)
    }
    return found
  }

  onOpen(side: 0 | 1, stream: number): void {
    if (stream !== this.opened[side]! * 2 + side) fail(`Side ${side} opened stream ${stream} out of turn`)
    this.opened[side]!++
  }

  onAnnounced(side: 0 | 1, stream: number): void {
    const opener = 1 - side
    if (stream !== this.announced[opener]! * 2 + opener) fail(`Stream ${stream} announced out of turn, or twice`)
    if (this.announced[opener] === this.opened[opener]) fail(`Stream ${stream} announced though nobody opened it`)
    this.announced[opener]!++
  }

  *all(): Generator<readonly [Direction, Direction]> {
    yield* this.#streams.values()
  }
}

function contentNumber(session: number, stream: number, writer: number): number {
  return (session * 1_000 + stream) * 2 + writer
}
