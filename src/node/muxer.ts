import type { AbortOptions, MessageStream, MessageStreamDirection } from '@libp2p/interface'
import { AbstractStreamMuxer } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import { SESSION_PROTOCOL } from '../wire/index.ts'
import { Arrivals } from './arrivals.ts'
import { READ_CLOSED, SessionStream, type StreamPort } from './stream.ts'

/** The session as its muxer sees it. */
export interface MuxerPort extends StreamPort {
  /** @throws {TooManyStreamsError} @throws {SessionClosedError} */
  openStream(): number
  /** Resolves when the peer has everything and has closed too; rejected when the session ends otherwise. */
  close(): Promise<void>
  abort(error: Error): void
}

/** A session as the stream muxer of a durable connection. */
export class SessionMuxer extends AbstractStreamMuxer<SessionStream> {
  readonly #port: MuxerPort
  readonly #byNumber = new Map<number, SessionStream>()
  readonly #arrivals = new Arrivals<SessionStream>((stream) => {
    if (stream.status === 'open') this.onRemoteStream(stream)
  })
  #closing: Promise<void> | undefined

  constructor(maConn: MessageStream, port: MuxerPort) {
    // Streams wait for their listener however many they are: the session bounds them.
    super(maConn, { protocol: SESSION_PROTOCOL, name: 'holdfast', maxEarlyStreams: Number.POSITIVE_INFINITY })
    this.#port = port
  }

  stream(number: number): SessionStream | undefined {
    return this.#byNumber.get(number)
  }

  onCreateStream(): SessionStream {
    return this.#create(this.#port.openStream(), 'outbound')
  }

  /** The peer opened a stream. */
  onStreamOpen(number: number): void {
    this.#arrivals.add(this.#create(number, 'inbound'))
  }

  /** The handle carries no bytes. */
  onData(): void {}

  /**
   * Close every stream for writing, flush, and resolve when the peer has it all and has closed as well, or when the session
   * ended otherwise meanwhile. `signal` ends the wait, not the closing.
   */
  override close(options?: AbortOptions): Promise<void> {
    if (this.status === 'closed') return Promise.resolve()
    this.#closing ??= this.#close()
    return raceSignal(this.#closing, options?.signal)
  }

  override abort(error: Error): void {
    if (this.status === 'closed') return
    this.#arrivals.finish()
    // First, so that one CLOSE leaves instead of a RESET for each stream.
    this.#port.abort(error)
    super.abort(error)
  }

  override onTransportClosed(error?: Error): void {
    this.#arrivals.finish()
    if (this.status !== 'closed') super.onTransportClosed(error)
    this.#port.abort(error ?? new Error('The durable connection was closed'))
  }

  /** The peer closed in an orderly way: everything it sent was delivered, and it reads no more. */
  onPeerClosed(): void {
    if (this.status !== 'open') return
    this.#arrivals.finish()
    for (const stream of [...this.streams]) {
      // What an application has finished is still flushed; bytes the session could not take yet never will be.
      if (stream.writeStatus === 'closing') continue
      if (stream.writeBufferLength > 0) this.#port.reset(stream.number, READ_CLOSED)
      stream.onTransportClosed()
    }
    this.#closing = this.#close()
  }

  /** The session is over. Streams that are left end with `error`, or in order. */
  end(error?: Error): void {
    this.#arrivals.finish()
    this.status = 'closing'
    for (const stream of [...this.streams]) stream.onTransportClosed(error)
    this.status = 'closed'
  }

  /** The peer gave up the session. */
  onPeerAborted(): void {
    this.#arrivals.finish()
    for (const stream of [...this.streams]) stream.onRemoteReset()
  }

  async #close(): Promise<void> {
    this.#arrivals.finish()
    this.status = 'closing'
    for (const stream of [...this.streams]) {
      if (stream.closeGivenUp) stream.abort(new Error('The link closed after the deadline of closing this stream'))
    }
    // A stream that its peer resets meanwhile has nothing left to flush.
    await Promise.allSettled(this.streams.map((stream) => stream.close()))
    // Nobody will read these; their senders would wait for credit.
    for (const stream of this.streams) if (stream.isUnread) this.#port.stopSending(stream.number, READ_CLOSED)
    // Closed is what was asked for, whoever of the two got there first; the driver knows whether bytes were lost.
    await this.#port.close().catch((err) => this.log('ended while closing - %e', err))
    this.end()
  }

  #create(number: number, direction: MessageStreamDirection): SessionStream {
    const log = this.log.newScope(`${direction}:${number}`)
    const stream = new SessionStream({
      ...this.streamOptions,
      id: `${number}`,
      number,
      direction,
      log,
      port: this.#port
    })
    this.#byNumber.set(number, stream)
    stream.addEventListener('close', () => this.#byNumber.delete(number))
    return stream
  }
}
