import type { AbortOptions, StreamCloseEvent } from '@libp2p/interface'
import { AbstractStream, type AbstractStreamInit, type SendResult, StreamClosedError } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import type { Uint8ArrayList } from 'uint8arraylist'
import { copy } from './bytes.ts'
import { ReadCredit } from './read-credit.ts'
import { type QueuedChunk, StreamIterators } from './stream-iterators.ts'

/** STOP_SENDING because of `closeRead()`: the stream is in order, its reader has enough. */
export const READ_CLOSED = 0

/** RESET and STOP_SENDING because of `abort()`: the stream is over. */
export const ABORTED = 1

/** Chunks held in the read buffer beyond one per KiB: above that, objects would cost more than bytes. */
const MAX_HELD_CHUNKS = 64
const BYTES_PER_HELD_CHUNK = 1_024

/** The session as one stream sees it. */
export interface StreamPort {
  /** `data` is kept, not copied. */
  write(stream: number, data: Uint8Array): { accepted: number; more: boolean }
  finish(stream: number): void
  reset(stream: number, code: number): void
  stopSending(stream: number, code: number): void
  consume(stream: number, bytes: number): void
}

export interface SessionStreamInit extends AbstractStreamInit {
  /** Its id in the session protocol. */
  readonly number: number
  readonly port: StreamPort
}

/**
 * A stream of a session. What differs from other libp2p streams: bytes are copied in `send()` already, the peer's credit
 * follows what the application took, so a reader that stops holds at most the receive window, and `for await` and
 * `onDrain()` keep to that. What a `message` listener was called with counts as taken: one that goes on working with it
 * calls `pause()` until it wants more.
 */
export class SessionStream extends AbstractStream {
  readonly number: number
  readonly #port: StreamPort
  readonly #credit: ReadCredit
  readonly #iterators: StreamIterators
  #heldChunks = 0
  #closing: Promise<void> | undefined
  #closeGivenUp = false
  /** By us: `closeRead()` or `abort()`. */
  #readGivenUp = false
  #error: Error | undefined

  constructor({ number, port, ...init }: SessionStreamInit) {
    super(init)
    this.number = number
    this.#port = port
    this.#credit = new ReadCredit((bytes) => port.consume(number, bytes))
    this.#iterators = new StreamIterators({
      events: this,
      credit: this.#credit,
      isReadDone: () => this.#isReadDone,
      error: () => this.#error,
      onRoom: () => this.dispatchReadBuffer(),
      onPutBack: (chunks) => this.#putBack(chunks)
    })
    // Credit bounds what the peer can send; the rest is what `unwrap()` may put back (byteStream holds 4 MiB at most).
    this.maxReadBufferLength = Number.POSITIVE_INFINITY
    this.addEventListener('close', this.#onClosed)
  }

  // Sending

  /** Returns false when the send buffer is full; `drain` follows. The bytes may be reused at once. */
  override send(data: Uint8Array | Uint8ArrayList): boolean {
    return super.send(this.writeStatus === 'writable' ? copy(data) : data)
  }

  sendData(data: Uint8ArrayList): SendResult {
    let sentBytes = 0
    for (const chunk of data) {
      const { accepted, more } = this.#port.write(this.number, chunk)
      sentBytes += accepted
      if (!more) return { sentBytes, canSendMore: false }
    }
    return { sentBytes, canSendMore: true }
  }

  /** The session takes more. `drain` is told when nothing waits here any more: then the next `send` is bounded again. */
  onWritable(): void {
    if (!this.writableNeedsDrain) return
    this.writableNeedsDrain = false
    try {
      this.processSendQueue()
    } catch (err) {
      this.log.error('sending on failed - %e', err)
      return
    }
    if (!this.writableNeedsDrain) this.safeDispatchEvent('drain')
  }

  /** Resolves at once, or with the next `drain`; as often as it is called. */
  override async onDrain(options?: AbortOptions): Promise<void> {
    if (!this.writableNeedsDrain) return
    await this.#eventOrClose('drain', options)
  }

  // Receiving

  /** In order, from the session. Whatever is not passed on at once is copied out of a much larger chunk. */
  deliver(data: Uint8Array): void {
    if (this.readStatus === 'closing' || this.readStatus === 'closed') {
      this.#port.consume(this.number, data.byteLength)
      return
    }
    this.#credit.onReceived(data.byteLength)
    const kept = this.readStatus === 'paused' || this.#iterators.count > 0 || this.listenerCount('message') === 0
    this.#heldChunks++
    this.onData(kept && data.buffer.byteLength > 2 * data.byteLength ? copy(data) : data)
    this.#mergeHeld()
  }

  protected override dispatchReadBuffer(): void {
    if (this.#iterators.isFull) return
    const leaves = this.readBuffer.byteLength > 0 && this.readStatus !== 'paused' && this.listenerCount('message') > 0
    if (!leaves) {
      super.dispatchReadBuffer()
      return
    }
    this.#heldChunks = 0
    this.#credit.deliver(() => super.dispatchReadBuffer())
  }

  /** Also after the peer's end was read ahead, as `unwrap()` does: a protocol negotiated late would fail otherwise. */
  override push(data: Uint8Array | Uint8ArrayList): void {
    this.#reopenRead()
    super.push(data)
  }

  override unshift(data: Uint8Array | Uint8ArrayList): void {
    this.#reopenRead()
    super.unshift(data)
  }

  /** Chunks as they are pulled: what is not pulled stays unacknowledged credit, so the peer stops at the window. */
  override [Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    return this.#iterators.iterate()
  }

  // What the session reports

  /** The peer gave up its direction, or all of the stream: both directions end here. */
  override onRemoteReset(): void {
    if (this.status !== 'open') return
    if (this.writeBuffer.byteLength > 0) this.writeBuffer.consume(this.writeBuffer.byteLength)
    this.#port.reset(this.number, ABORTED)
    super.onRemoteReset()
  }

  /** The peer does not read any more: what is sent from here on is dropped. */
  onRemoteStopped(code: number): void {
    if (code !== READ_CLOSED) {
      this.onRemoteReset()
      return
    }
    this.onRemoteCloseRead()
    this.#releaseWriters()
  }

  // Ending

  /** Resolves when the session holds everything, FIN included: it arrives even if paths are replaced after this. */
  override close(options?: AbortOptions): Promise<void> {
    if (this.writeStatus === 'closed') return Promise.resolve()
    this.#closing ??= this.#finish()
    const closed = raceSignal(this.#closing, options?.signal)
    closed.catch(() => {
      this.#closeGivenUp = options?.signal?.aborted === true
    })
    return closed
  }

  /** Whoever closed this stream stopped waiting for its reader: the end of the link need not wait either. */
  get closeGivenUp(): boolean {
    return this.#closeGivenUp && this.writeStatus === 'closing'
  }

  override async closeRead(options?: AbortOptions): Promise<void> {
    this.#readGivenUp = true
    await super.closeRead(options)
    // Whether the peer resets or finishes is of no interest now; without this, a closed stream would wait for it.
    if (this.status === 'open') this.onRemoteCloseWrite()
  }

  async sendCloseWrite(): Promise<void> {
    this.#port.finish(this.number)
  }

  async sendCloseRead(): Promise<void> {
    this.#credit.giveUnread()
    this.#port.stopSending(this.number, READ_CLOSED)
  }

  sendReset(): void {
    this.#readGivenUp = true
    this.#credit.giveUnread()
    this.#port.reset(this.number, ABORTED)
    this.#port.stopSending(this.number, ABORTED)
  }

  /** Credit stops by itself: nothing is consumed while paused. */
  sendPause(): void {}

  sendResume(): void {}

  /** The session drives each stream by itself; what the handle below says of `drain` is not about us. */
  override onMuxerNeedsDrain(): void {}

  override onMuxerDrain(): void {}

  /** Whether nobody listens: no `message` listener, no iterator. */
  get isUnread(): boolean {
    return this.listenerCount('message') === 0
  }

  async #finish(): Promise<void> {
    this.writeStatus = 'closing'
    if (this.writeBuffer.byteLength > 0) {
      await this.#eventOrClose('idle')
      if (this.status !== 'open') throw this.#error ?? new StreamClosedError()
    }
    await this.sendCloseWrite()
    if (this.status !== 'open') return
    this.writeStatus = 'closed'
    this.#releaseWriters()
    if (this.remoteWriteStatus === 'closed') this.onTransportClosed()
  }

  #eventOrClose(type: 'drain' | 'idle', options?: AbortOptions): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onEvent = (): void => resolve()
    const onClose = ({ error }: StreamCloseEvent): void => reject(error ?? new StreamClosedError())
    this.addEventListener(type, onEvent)
    this.addEventListener('close', onClose)
    return raceSignal(promise, options?.signal).finally(() => {
      this.removeEventListener(type, onEvent)
      this.removeEventListener('close', onClose)
    })
  }

  #releaseWriters(): void {
    if (!this.writableNeedsDrain) return
    this.writableNeedsDrain = false
    this.safeDispatchEvent('drain')
  }

  /** libp2p closes the reading side when the last byte leaves its buffer; some bytes come back. */
  #reopenRead(): void {
    if (this.readStatus === 'closed' && !this.#readGivenUp) this.readStatus = 'readable'
  }

  get #isReadDone(): boolean {
    if (this.readBuffer.byteLength > 0 && this.readStatus !== 'closed') return false
    return this.remoteWriteStatus === 'closed' || this.readStatus === 'closed' || this.readStatus === 'closing'
  }

  /** What an iterator held goes to the next reader. */
  #putBack(chunks: QueuedChunk[]): void {
    if (chunks.length > 0) this.#reopenRead()
    const canRead = this.readStatus === 'readable' || this.readStatus === 'paused'
    const wanted = canRead && this.listenerCount('message') === 0
    for (const { delivery, last } of chunks) if (last) this.#credit.letGo(delivery, wanted)
    if (wanted) {
      this.#heldChunks += chunks.length
      this.readBuffer.prependAll(chunks.map(({ data }) => data))
    } else if (this.readBuffer.byteLength > 0) {
      this.dispatchReadBuffer()
    }
  }

  #mergeHeld(): void {
    if (this.#heldChunks <= MAX_HELD_CHUNKS + this.readBuffer.byteLength / BYTES_PER_HELD_CHUNK) return
    this.#heldChunks = 1
    const merged = copy(this.readBuffer)
    this.readBuffer.consume(merged.byteLength)
    this.readBuffer.append(merged)
  }

  /** What is left unread is the application's from here on; it must not stop the other streams of the session. */
  readonly #onClosed = ({ error }: StreamCloseEvent): void => {
    this.#error = error
    this.#credit.giveUnread()
  }
}
