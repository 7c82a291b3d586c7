import type { AbortOptions, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { AbstractStream, type AbstractStreamInit, type SendResult, StreamClosedError } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import type { Uint8ArrayList } from 'uint8arraylist'

/** STOP_SENDING because of `closeRead()`: the stream is in order, its reader has enough. */
export const READ_CLOSED = 0

/** RESET and STOP_SENDING because of `abort()`: the stream is over. */
export const ABORTED = 1

/** Chunks an iterator holds before data waits in the read buffer, where small ones are merged. */
const MAX_QUEUED_CHUNKS = 64

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

/** Bytes handed to readers in one go, and what of it is credit still owed to the peer. */
interface Delivery {
  credit: number
  /** Iterators that have not passed all of it on. */
  holders: number
}

interface QueuedChunk {
  readonly data: Uint8Array
  readonly delivery: Delivery
  /** The last one of its delivery in this queue. */
  readonly last: boolean
}

/**
 * A stream of a session. What differs from other libp2p streams: bytes are copied in `send()` already, the peer's credit
 * follows what the application took, so a reader that stops holds at most the receive window, and `for await` and
 * `onDrain()` keep to that.
 */
export class SessionStream extends AbstractStream {
  readonly number: number
  readonly #port: StreamPort
  /** Bytes of the read buffer that the peer has no credit for yet. */
  #unread = 0
  #heldChunks = 0
  #delivery: Delivery | undefined
  /** Iterators with more than they are willing to queue. */
  readonly #fullIterators = new Set<object>()
  #iterators = 0
  #closing: Promise<void> | undefined
  #closeGivenUp = false
  /** By us: `closeRead()` or `abort()`. */
  #readGivenUp = false
  #error: Error | undefined

  constructor({ number, port, ...init }: SessionStreamInit) {
    super(init)
    this.number = number
    this.#port = port
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
    this.#unread += data.byteLength
    const kept = this.readStatus === 'paused' || this.#iterators > 0 || this.listenerCount('message') === 0
    this.#heldChunks++
    this.onData(kept && data.buffer.byteLength > 2 * data.byteLength ? copy(data) : data)
    this.#mergeHeld()
  }

  protected override dispatchReadBuffer(): void {
    if (this.#fullIterators.size > 0) return
    const leaves = this.readBuffer.byteLength > 0 && this.readStatus !== 'paused' && this.listenerCount('message') > 0
    if (!leaves) {
      super.dispatchReadBuffer()
      return
    }
    const outer = this.#delivery
    const delivery: Delivery = { credit: this.#unread, holders: 0 }
    this.#delivery = delivery
    this.#unread = 0
    this.#heldChunks = 0
    try {
      super.dispatchReadBuffer()
    } finally {
      this.#delivery = outer
      if (delivery.holders === 0) this.#give(delivery, delivery.credit)
    }
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
  override async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const queue: QueuedChunk[] = []
    let wake = Promise.withResolvers<void>()
    const onChange = (): void => wake.resolve()
    const onMessage = ({ data }: StreamMessageEvent): void => {
      const delivery = this.#delivery ?? { credit: 0, holders: 0 }
      const chunks = data instanceof Uint8Array ? [data] : [...data]
      delivery.holders++
      for (let i = 0; i < chunks.length; i++) {
        queue.push({ data: chunks[i]!, delivery, last: i === chunks.length - 1 })
      }
      if (queue.length >= MAX_QUEUED_CHUNKS) this.#fullIterators.add(queue)
      wake.resolve()
    }
    this.#iterators++
    this.addEventListener('message', onMessage)
    for (const type of ENDS) this.addEventListener(type, onChange)
    try {
      for (;;) {
        const next = queue.shift()
        if (next != null) {
          if (queue.length === 0 && this.#fullIterators.delete(queue)) queueMicrotask(() => this.dispatchReadBuffer())
          this.#taken(next)
          yield next.data
        } else if (this.#isReadDone) {
          break
        } else {
          await wake.promise
          wake = Promise.withResolvers()
        }
      }
      // An end that is not the peer's own must not look like one.
      if (this.#error != null) throw this.#error
    } finally {
      this.#iterators--
      this.#fullIterators.delete(queue)
      this.removeEventListener('message', onMessage)
      for (const type of ENDS) this.removeEventListener(type, onChange)
      this.#putBack(queue)
    }
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
    this.#consumeUnread()
    this.#port.stopSending(this.number, READ_CLOSED)
  }

  sendReset(): void {
    this.#readGivenUp = true
    this.#consumeUnread()
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

  /** A lone holder gives credit back chunk by chunk; several, when the slowest has passed all of it on. */
  #taken({ data, delivery, last }: QueuedChunk): void {
    if (delivery.holders === 1) this.#give(delivery, data.byteLength)
    if (!last) return
    delivery.holders--
    if (delivery.holders === 0) this.#give(delivery, delivery.credit)
  }

  /** An iterator ended early: what it held goes to the next reader. */
  #putBack(queue: QueuedChunk[]): void {
    if (queue.length > 0) this.#reopenRead()
    const canRead = this.readStatus === 'readable' || this.readStatus === 'paused'
    const wanted = canRead && this.listenerCount('message') === 0
    for (const { delivery, last } of queue) {
      if (!last) continue
      delivery.holders--
      if (delivery.holders > 0) continue
      if (wanted) {
        this.#unread += delivery.credit
        delivery.credit = 0
      } else {
        this.#give(delivery, delivery.credit)
      }
    }
    if (wanted) {
      this.#heldChunks += queue.length
      this.readBuffer.prependAll(queue.map(({ data }) => data))
    } else if (this.readBuffer.byteLength > 0) {
      this.dispatchReadBuffer()
    }
  }

  #give(delivery: Delivery, bytes: number): void {
    const credit = Math.min(bytes, delivery.credit)
    if (credit <= 0) return
    delivery.credit -= credit
    this.#port.consume(this.number, credit)
  }

  #consumeUnread(): void {
    if (this.#unread === 0) return
    const bytes = this.#unread
    this.#unread = 0
    this.#port.consume(this.number, bytes)
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
    this.#consumeUnread()
  }
}

const ENDS = ['close', 'remoteCloseWrite', 'end'] as const

/** Not `slice()`: a Node Buffer's shares memory. */
function copy(data: Uint8Array | Uint8ArrayList): Uint8Array {
  const bytes = new Uint8Array(data.byteLength)
  if (data instanceof Uint8Array) {
    bytes.set(data)
  } else {
    let at = 0
    for (const chunk of data) {
      bytes.set(chunk, at)
      at += chunk.byteLength
    }
  }
  return bytes
}
