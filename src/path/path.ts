import type { AbortOptions, Connection, Logger, Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { Uint8ArrayList } from 'uint8arraylist'
import { encodeFrame, type Frame } from '../wire/index.ts'
import { CircuitBudget } from './budget.ts'
import { PathOverflowError, PathTruncatedError } from './errors.ts'
import { FrameReader } from './frame-reader.ts'
import { pathKind } from './kind.ts'
import type { ObservedLimits, PathBudget, PathKind } from './types.ts'

/**
 * Unsent bytes at which a path is given up. The session stops at the first refused write, with at most its in-flight
 * limit (16 MiB at the very most) handed over by then; more means that somebody does not stop.
 */
const MAX_BUFFERED_BYTES = 16 * 1_048_576

/**
 * Frames share a carrier message up to this: one frame of stream data. A message is encrypted, passed on by a relay and
 * decrypted as a whole, and each of these waits for its last byte: 64 KiB at a time doubled the round trip of a relayed path
 * under load. It also fits one message of a WebRTC data channel (16 KiB with its protobuf framing).
 */
const MAX_MESSAGE_BYTES = 16_200

/** How long the answer to the peer's orderly close may take: after that nobody waits for what is still unsent. */
const CLOSE_TIMEOUT_MS = 5_000

/** What a path needs of the libp2p stream it runs on. */
export type CarrierStream = Pick<
  Stream,
  | 'abort'
  | 'addEventListener'
  | 'close'
  | 'log'
  | 'pause'
  | 'readStatus'
  | 'remoteWriteStatus'
  | 'removeEventListener'
  | 'resume'
  | 'send'
  | 'status'
  | 'writableNeedsDrain'
  | 'writeBufferLength'
>

/** What a path needs of the carrier. */
export type CarrierConnection = Pick<
  Connection,
  'addEventListener' | 'limits' | 'remoteAddr' | 'removeEventListener' | 'timeline'
>

/** Who hears of what happens on a path. Called synchronously, never from within the constructor. */
export interface PathHandler {
  /** Complete frames in order. Payloads may alias carrier memory: copy what is kept. */
  onFrames(path: SessionPath, frames: Frame[]): void
  /** After a `write` returned false: the carrier has room again. */
  onWritable(path: SessionPath): void
  /** Once, and last: after everything received was passed on. No error: the carrier ended in an orderly way. */
  onClosed(path: SessionPath, error?: Error): void
}

export interface SessionPathInit {
  readonly stream: CarrierStream
  readonly connection: CarrierConnection
  readonly handler: PathHandler
  /** What is known of the relay, for a relayed path. */
  readonly observed?: ObservedLimits
}

/**
 * - `open`: reads and writes
 * - `closing`: our side is ending; still reads
 * - `closed`: `onClosed` was or is just being called
 */
export type SessionPathStatus = 'open' | 'closing' | 'closed'

/** One session stream on one carrier: frames in, frames out. Decides nothing. */
export class SessionPath {
  readonly kind: PathKind
  readonly remoteAddr: Multiaddr
  /** The relay's limits. */
  readonly circuit: CircuitBudget
  /** Milliseconds since the Unix epoch. */
  readonly openedAt = Date.now()
  /** Session bytes handed to the carrier, framing included; the carrier's own overhead is not. */
  sentBytes = 0
  receivedBytes = 0

  readonly #stream: CarrierStream
  readonly #connection: CarrierConnection
  readonly #handler: PathHandler
  readonly #log: Logger
  readonly #reader = new FrameReader({
    onFrames: (frames) => this.#handler.onFrames(this, frames),
    onError: (error) => this.abort(error),
    pause: () => this.#pause(),
    resume: () => this.#resume()
  })
  #resuming = false
  #status: SessionPathStatus = 'open'
  #awaitsDrain = false
  #ending = false
  #endError: Error | undefined

  constructor({ stream, connection, handler, observed }: SessionPathInit) {
    this.#stream = stream
    this.#connection = connection
    this.#handler = handler
    this.#log = stream.log.newScope('holdfast-path')
    this.kind = pathKind(connection.remoteAddr)
    this.remoteAddr = connection.remoteAddr
    const circuit = { limits: connection.limits, openedAt: connection.timeline.open, observed }
    this.circuit = new CircuitBudget(circuit, Date.now())
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    stream.addEventListener('close', this.#onClose)
    connection.addEventListener('close', this.#onClose)
    // What the stream received before this, it passes on in a microtask queued above: the end comes after that.
    if (stream.status !== 'open') this.#endSoon()
    else if (stream.remoteWriteStatus === 'closed') this.#onRemoteCloseWrite()
  }

  get status(): SessionPathStatus {
    return this.#status
  }

  /** Whether a relay limits it. */
  get limited(): boolean {
    return this.circuit.limitBytes != null || this.circuit.limitMs != null
  }

  /** What the relay's limits leave of this path now; `undefined` when it has none. */
  get budget(): PathBudget | undefined {
    return this.circuit.read(this.sentBytes + this.receivedBytes, Date.now())
  }

  /** What the circuit has carried so far, both directions and set-up together. */
  get usedBytes(): number {
    return this.circuit.usedBytes(this.sentBytes + this.receivedBytes)
  }

  /** How long ago the carrier opened, in ms. */
  get ageMs(): number {
    return Date.now() - this.#connection.timeline.open
  }

  /** Bytes the carrier has not taken yet. */
  get bufferedBytes(): number {
    return this.#stream.writeBufferLength
  }

  /**
   * Frames leave in order, small ones together in one carrier message. Taken in any case while the path is open; false asks to wait for `onWritable`.
   * A path with more than 16 MiB unsent is aborted with `PathOverflowError`.
   */
  write(frames: readonly Frame[]): boolean {
    if (this.#status !== 'open' || this.#ending) return false
    let more = true
    try {
      for (const message of messages(frames)) {
        more = this.#stream.send(message)
        this.sentBytes += message.byteLength
      }
    } catch (err) {
      // The stream is ending, and tells so by its own event.
      this.#log('not all of %d frames sent - %e', frames.length, err)
      return false
    }
    const { writeBufferLength } = this.#stream
    if (writeBufferLength > MAX_BUFFERED_BYTES) {
      this.abort(new PathOverflowError(writeBufferLength, MAX_BUFFERED_BYTES))
      return false
    }
    if (!more) this.#awaitsDrain = true
    return more
  }

  /**
   * End in an orderly way: resolves when the carrier has taken everything written. `onClosed` follows when the peer has
   * ended its side too; frames are passed on until then. `signal` ends the wait and the path with it.
   */
  async close(options?: AbortOptions): Promise<void> {
    if (this.#status !== 'open') return
    this.#status = 'closing'
    this.#resume()
    try {
      await this.#stream.close(options)
    } catch (err) {
      this.abort(err as Error)
      throw err
    }
  }

  /** End at once; what the carrier has not taken is dropped. */
  abort(error: Error): void {
    if (this.#isClosed) return
    this.#ending = true
    this.#endError ??= error
    this.#reader.stop()
    this.#stream.abort(error)
    this.#end()
  }

  get #isClosed(): boolean {
    return this.#status === 'closed'
  }

  readonly #onMessage = ({ data }: StreamMessageEvent): void => {
    this.receivedBytes += data.byteLength
    this.#reader.push(data)
  }

  #pause(): void {
    if (!this.#resuming && this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  /**
   * What a paused carrier holds comes at once, and may be too much again: stock streams that are paused within `resume` go on
   * to let the peer send.
   */
  #resume(): void {
    if (this.#resuming || this.#stream.readStatus !== 'paused') return
    this.#resuming = true
    try {
      this.#stream.resume()
    } catch (err) {
      // Everything was passed on; only the peer cannot be told any more that there is room.
      this.#log('resumed at the end of the connection - %e', err)
    }
    this.#resuming = false
    if (this.#reader.isBehind) this.#pause()
  }

  /**
   * `drain` also fires while bytes still wait (yamux: at every window update); the stream's own listener sends on in a
   * microtask, ours looks at the result after that.
   */
  readonly #onDrain = (): void => {
    if (!this.#awaitsDrain) return
    queueMicrotask(() => {
      if (!this.#awaitsDrain || this.#stream.writableNeedsDrain || this.#status !== 'open' || this.#ending) return
      this.#awaitsDrain = false
      this.#handler.onWritable(this)
    })
  }

  /** Half a path is of no use: no acknowledgement will come here any more. */
  readonly #onRemoteCloseWrite = (): void => {
    if (this.#ending) return
    this.#endSoon()
    this.#stream.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) }).catch((err) => this.#stream.abort(err))
  }

  readonly #onClose = ({ error }: StreamCloseEvent): void => {
    if (error != null) this.#endError ??= error
    this.#endSoon()
  }

  /** Some carriers tell of the end before they pass on the bytes that came with it. */
  #endSoon(): void {
    if (this.#ending) return
    this.#ending = true
    this.#resume()
    queueMicrotask(() => this.#reader.finish(() => this.#end()))
  }

  #end(): void {
    if (this.#isClosed) return
    this.#status = 'closed'
    this.#awaitsDrain = false
    const { heldBytes } = this.#reader
    this.#stream.removeEventListener('message', this.#onMessage)
    this.#stream.removeEventListener('drain', this.#onDrain)
    this.#stream.removeEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    this.#stream.removeEventListener('close', this.#onClose)
    this.#connection.removeEventListener('close', this.#onClose)
    const error = this.#endError ?? (heldBytes > 0 ? new PathTruncatedError(heldBytes) : undefined)
    this.#log('closed after %d bytes out, %d bytes in - %e', this.sentBytes, this.receivedBytes, error)
    this.#handler.onClosed(this, error)
  }
}

/** Each in one piece: carriers encrypt, and some send, every part of a list by itself. */
function* messages(frames: readonly Frame[]): Generator<Uint8Array> {
  let message = new Uint8ArrayList()
  for (const frame of frames) {
    const encoded = Uint8ArrayList.fromUint8Arrays(encodeFrame(frame))
    if (message.byteLength > 0 && message.byteLength + encoded.byteLength > MAX_MESSAGE_BYTES) {
      yield message.subarray()
      message = new Uint8ArrayList()
    }
    message.append(encoded)
  }
  if (message.byteLength > 0) yield message.subarray()
}
