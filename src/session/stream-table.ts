import type { SessionConfig } from './config.ts'
import { ProtocolViolationError, TooManyStreamsError } from './errors.ts'
import { createStream, type StreamState } from './stream-state.ts'

/**
 * Streams of the peer kept in all, those included that wait for nothing but the acknowledgement of our FIN or RESET. They
 * don't count against the limit of open ones, because the peer may have finished them; this bounds a peer that never
 * acknowledges.
 */
const MAX_KEPT_STREAMS = 16_384

/**
 * Streams of the peer that have ended on both sides and were not read. It counts them as done, and their first bytes are free
 * of session credit: without a bound it could go on for ever. 4 MiB of such bytes.
 */
const MAX_UNREAD_STREAMS = 1_024

/** Which streams there are. Ids are consecutive per side: what was opened and is not here any more has finished. */
export class StreamTable {
  readonly #side: 0 | 1
  readonly #config: SessionConfig
  readonly #streams = new Map<number, StreamState>()
  #ownCount = 0
  #peerCount = 0
  #ownLive = 0

  constructor(side: 0 | 1, config: SessionConfig) {
    this.#side = side
    this.#config = config
  }

  get size(): number {
    return this.#streams.size
  }

  /** Streams opened so far by us. */
  get ownCount(): number {
    return this.#ownCount
  }

  /** Streams opened so far by the peer. */
  get peerCount(): number {
    return this.#peerCount
  }

  get(id: number): StreamState | undefined {
    return this.#streams.get(id)
  }

  values(): Iterable<StreamState> {
    return this.#streams.values()
  }

  isOwn(id: number): boolean {
    return (id & 1) === this.#side
  }

  /** @throws {TooManyStreamsError} */
  openOwn(sendCredit: number): StreamState {
    const { maxStreams, streamWindow } = this.#config
    if (this.#ownLive >= maxStreams) throw new TooManyStreamsError(maxStreams)
    const stream = createStream(this.#ownCount * 2 + this.#side, true, sendCredit, streamWindow)
    this.#ownCount++
    this.#ownLive++
    this.#streams.set(stream.id, stream)
    return stream
  }

  /**
   * The peer names this stream: the ones that opens, which are all lower ids of its side not open yet. `limited`: whether
   * they count against the limit.
   *
   * @throws {ProtocolViolationError} too many, or a stream of ours that was never opened
   */
  openUpTo(id: number, limited: boolean, sendCredit: number): StreamState[] {
    const index = Math.floor(id / 2)
    if (this.isOwn(id)) {
      if (index < this.#ownCount) return NONE
      throw new ProtocolViolationError(`Peer sent a frame for stream ${id}, which was never opened`)
    }
    if (index < this.#peerCount) return NONE
    this.#checkLimit(index + 1 - this.#peerCount, limited)
    const opened: StreamState[] = []
    while (this.#peerCount <= index) {
      const next = this.#peerCount * 2 + (1 - this.#side)
      const stream = createStream(next, false, sendCredit, this.#config.streamWindow)
      this.#peerCount++
      this.#streams.set(next, stream)
      opened.push(stream)
    }
    return opened
  }

  delete({ id }: StreamState): boolean {
    if (!this.#streams.delete(id)) return false
    if (this.isOwn(id)) this.#ownLive--
    return true
  }

  clear(): void {
    this.#streams.clear()
    this.#ownLive = 0
  }

  /** Too many streams of the peer have ended on both sides with bytes that nobody has read. */
  get isFullOfUnread(): boolean {
    if (this.#streams.size < MAX_UNREAD_STREAMS) return false
    let unread = 0
    for (const { id, send, receive } of this.#streams.values()) {
      if (!this.isOwn(id) && send.endSent && receive.isUnread) unread++
    }
    return unread >= MAX_UNREAD_STREAMS
  }

  /**
   * Counts the streams the peer can't have finished yet: its own end is missing, or ours has never been sent. Those turned
   * away don't count: a peer that knows we close drops them without waiting for us.
   */
  #checkLimit(opens: number, limited: boolean): void {
    const { maxStreams } = this.#config
    if (opens + this.#streams.size <= maxStreams) return
    let kept = 0
    let unfinished = 0
    for (const { id, send, receive } of this.#streams.values()) {
      if (this.isOwn(id)) continue
      kept++
      if (!receive.isSettled || !send.endSent) unfinished++
    }
    if ((limited && opens + unfinished > maxStreams) || opens + kept > MAX_KEPT_STREAMS) {
      throw new ProtocolViolationError(`Peer opened more than ${maxStreams} streams at once`)
    }
  }
}

const NONE: StreamState[] = []
