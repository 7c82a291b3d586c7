import type { Logger, MessageStream, StreamMuxerFactory } from '@libp2p/interface'
import { type EndOfTask, endOfTask, type PathHandler, renewBelowBytes, type SessionPath } from '../path/index.ts'
import type { PathInit, SessionCore, SessionEffect } from '../session/index.ts'
import { type Frame, SESSION_PROTOCOL } from '../wire/index.ts'
import { CONTROL_PROTOCOL } from './control-stream.ts'
import { type MuxerPort, SessionMuxer } from './muxer.ts'
import { ABORTED } from './stream.ts'
import { StreamEffects } from './stream-effects.ts'

/**
 * Both sides closed, the peer acknowledged every byte, and only the acknowledgement of our CLOSE is missing: it may be lost
 * with its path, or the peer may be gone already. After this we stop waiting: nobody lacks anything.
 */
const LINGER_MS = 1_000

/**
 * Writes of one task that become a frame each: stock streams mostly keep what was sent by one call together, and applications
 * count on it that should not. What is written in a loop shares frames: a frame costs a peer as much as a kilobyte.
 */
const MAX_WRITES_BY_THEMSELVES = 32

/** CLOSE code: the side went away, as a page does that is closed. */
export const LEFT = 2

/** The peer ended the session at once: its streams are reset, what it had not acknowledged may be lost. */
export class PeerAbortedError extends Error {
  static override name = 'PeerAbortedError'
  override name = 'PeerAbortedError'

  constructor(readonly code: number) {
    super(
      code === LEFT
        ? 'The peer left: its page was closed, reloaded or navigated away'
        : `The peer ended the link with code ${code}, not in an orderly way: dial it again`
    )
  }
}

export type PathWindows = Omit<PathInit, 'limited' | 'budget'>

function byteBudgetOf({ circuit: { limitBytes }, budget }: SessionPath): PathInit['budget'] {
  if (limitBytes == null) return undefined
  return { limitBytes, remainingBytes: budget?.remainingBytes ?? 0, renewBelowBytes: renewBelowBytes(limitBytes) }
}

/** What the link hears of its session. Paths are named by the ids it attached them with. */
export interface SessionHandler {
  onPathSuspect(path: number, by: 'self' | 'peer'): void
  onPathRestored(path: number): void
  onPong(path: number, nonce: number, rttMs: number): void
  onGoaway(path: number, reason: number, delayMs: number): void
  /** It carries little more. */
  onBudgetLow(path: number): void
  onRenewAsked(path: number): void
  /** Left by this side, and nothing is on its way there. */
  onPathDrained(path: number): void
  /** The peer sends nothing more. Code 0: orderly, this side closes by itself now. */
  onPeerClosed(code: number): void
  /** Once, and last. No error: both sides closed and have everything. Streams have ended, no timer is left. */
  onClosed(error?: Error): void
}

export interface SessionDriverInit {
  readonly session: SessionCore
  readonly handler: SessionHandler
  readonly log: Logger
  /** Milliseconds, monotonic: the clock the session was created with. @default performance.now */
  readonly now?: () => number
}

/**
 * Drives one session: gives it the time, frames and commands, and carries out its effects on paths, streams and link.
 * Frames for one path leave together at the end of each task. It handles attached paths as their `PathHandler`; the link
 * keeps that role until the handshake is done, and passes calls on after that.
 */
export class SessionDriver implements PathHandler, MuxerPort {
  readonly session: SessionCore
  /** For `upgradeOutbound(handle, { muxerFactory })`. */
  readonly muxerFactory: StreamMuxerFactory

  readonly #handler: SessionHandler
  readonly #log: Logger
  readonly #now: () => number
  readonly #paths = new Map<number, SessionPath>()
  readonly #ids = new Map<SessionPath, number>()
  readonly #outbox = new Map<number, Frame[]>()
  readonly #flush: EndOfTask
  readonly #closed = Promise.withResolvers<void>()
  readonly #streams = new StreamEffects((stream, bytes) => this.session.consume(stream, bytes, this.#now()))
  /** Of this task. */
  #writes = 0
  #draining = false
  #status: 'running' | 'closed' = 'running'
  #peerClosed = false
  #endError: Error | undefined
  #sendBufferedBytes = 0
  #lostBytes = 0
  #linger: ReturnType<typeof setTimeout> | undefined
  #timer: { readonly at: number; readonly handle: ReturnType<typeof setTimeout> } | undefined

  constructor({ session, handler, log, now = () => performance.now() }: SessionDriverInit) {
    this.session = session
    this.#handler = handler
    this.#log = log.newScope('session')
    this.#now = now
    this.#flush = endOfTask(() => this.#onEndOfTask())
    this.muxerFactory = { protocol: SESSION_PROTOCOL, createStreamMuxer: (maConn) => this.#createMuxer(maConn) }
    this.#closed.promise.catch(() => {})
  }

  // Paths

  /** After the handshake. Frames that followed it go to `onFrames`. @throws {ProtocolViolationError} too many paths */
  attachPath(id: number, path: SessionPath, windows: PathWindows): void {
    if (this.#status === 'closed') return
    const { limited } = path
    this.#run((now) => this.session.attachPath(id, { ...windows, limited, budget: byteBudgetOf(path) }, now))
    this.#paths.set(id, path)
    this.#ids.set(path, id)
  }

  /** What is unacknowledged there goes elsewhere. The path itself is left as it is: close or abort it. */
  detachPath(id: number): void {
    const path = this.#paths.get(id)
    if (path == null) return
    this.#forget(id, path)
    this.#run((now) => this.session.detachPath(id, now))
  }

  path(id: number): SessionPath | undefined {
    return this.#paths.get(id)
  }

  /** Best first. */
  prefer(order: readonly number[]): void {
    this.#run((now) => this.session.prefer(order, now))
  }

  /** The peer opened this path, and is asked to replace it. */
  askRenewal(id: number): void {
    this.#run((now) => this.session.askRenewal(id, now))
  }

  /** Returns the nonce that `onPong` will name. */
  ping(id: number): number {
    return this.#run((now) => this.session.ping(id, now))
  }

  sendGoaway(id: number, reason: number, delayMs: number): void {
    this.#run((now) => this.session.sendGoaway(id, reason, delayMs, now))
  }

  onFrames(path: SessionPath, frames: Frame[]): void {
    const id = this.#ids.get(path)
    if (id == null) return
    this.#readBudget(id, path)
    this.#run((now) => {
      for (const frame of frames) this.session.receive(id, frame, now)
    })
    if (this.#status === 'running') this.#flush.schedule()
  }

  onWritable(path: SessionPath): void {
    const id = this.#ids.get(path)
    if (id != null) this.#run((now) => this.session.setWritable(id, true, now))
  }

  onClosed(path: SessionPath): void {
    const id = this.#ids.get(path)
    if (id != null) this.detachPath(id)
  }

  // The end

  /** Bytes of open streams that the peer has not acknowledged, as far as the session and its streams hold them. */
  get pendingBytes(): number {
    return this.session.sendBufferedBytes + this.#unsentBytes
  }

  /** Bytes the session had no room for yet. */
  get #unsentBytes(): number {
    let bytes = 0
    for (const stream of this.#streams.muxer?.streams ?? []) bytes += stream.writeBufferLength
    return bytes
  }

  /** Nothing is on its way in either direction, and every stream of the application has ended at both sides. */
  get isSettled(): boolean {
    const { streamCount, receiveBufferedBytes } = this.session
    const heldOpen = this.#streams.muxer?.streams.filter(({ protocol }) => protocol === CONTROL_PROTOCOL) ?? []
    return (
      this.#status === 'running' &&
      streamCount === heldOpen.length &&
      receiveBufferedBytes === 0 &&
      this.pendingBytes === 0
    )
  }

  /** What `pendingBytes` was when the session ended other than in an orderly way; 0 before that. */
  get lostBytes(): number {
    return this.#lostBytes
  }

  /** Settles with the session: rejected when it did not end in an orderly way. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** The muxer's half of an orderly end; links close the muxer, which finishes streams first. */
  close(): Promise<void> {
    this.#run((now) => this.session.close(now))
    return this.#closed.promise
  }

  /** At once: streams are aborted with `error`, the peer is told if a path is up. */
  abort(error: Error, code = ABORTED): void {
    this.#endError ??= error
    this.#run((now) => this.session.abort(code, now))
  }

  /** Over without a good-bye, in order: for a session that is settled and has no path. */
  end(): void {
    this.#settle()
  }

  /** No path came back in time. */
  expire(error: Error): void {
    this.abort(error)
  }

  /** The peer has ended this session, as its handshake on a new path says. Orderly if all we had is acknowledged. */
  peerEnded(error: Error): void {
    if (this.#isDone) this.#settle()
    else this.abort(error)
  }

  // The session as streams and muxer see it

  openStream(): number {
    return this.#run((now) => this.session.openStream(now))
  }

  write(stream: number, data: Uint8Array): { accepted: number; more: boolean } {
    const write = (now: number) => this.session.write(stream, data, now)
    return this.#writes++ < MAX_WRITES_BY_THEMSELVES ? this.#run(write) : this.#runLater(write)
  }

  finish(stream: number): void {
    this.#run((now) => this.session.finish(stream, now))
  }

  reset(stream: number, code: number): void {
    this.#run((now) => this.session.reset(stream, code, now))
  }

  stopSending(stream: number, code: number): void {
    this.#run((now) => this.session.stopSending(stream, code, now))
  }

  consume(stream: number, bytes: number): void {
    this.#run((now) => this.session.consume(stream, bytes, now))
  }

  // Effects

  #run<T>(call: (now: number) => T): T {
    const result = call(this.#now())
    this.#drain()
    return result
  }

  /** What is written leaves with the next call, or at the end of the task: as one frame, however small the pieces. */
  #runLater<T>(call: (now: number) => T): T {
    const result = call(this.#now())
    if (this.#status === 'running') {
      this.#sendBufferedBytes = this.session.sendBufferedBytes
      this.#flush.schedule()
    }
    return result
  }

  /** Applications answer inside their listeners: what that leads to is left to the loop that is already running. */
  #drain(): void {
    if (this.#draining || this.#status === 'closed') return
    this.#draining = true
    try {
      for (;;) {
        const effects = this.session.takeEffects()
        if (effects.length === 0) break
        for (const effect of effects) this.#apply(effect)
      }
    } finally {
      this.#draining = false
    }
    if (this.#status === 'running') this.#sendBufferedBytes = this.session.sendBufferedBytes
    this.#arm()
    if (this.#linger == null && this.#isDone) this.#linger = setTimeout(() => this.#settle(), LINGER_MS)
  }

  /** Everything has arrived, on both sides. */
  get #isDone(): boolean {
    return (
      this.#peerClosed && this.#status === 'running' && this.session.status === 'closing' && this.pendingBytes === 0
    )
  }

  #apply(effect: SessionEffect): void {
    try {
      switch (effect.type) {
        case 'send':
          this.#send(effect.path, effect.frame)
          break
        case 'pathError':
          this.#onPathError(effect.path, effect.error)
          break
        case 'pathSuspect':
          this.#handler.onPathSuspect(effect.path, effect.by)
          break
        case 'pathRestored':
          this.#handler.onPathRestored(effect.path)
          break
        case 'pong':
          this.#handler.onPong(effect.path, effect.nonce, effect.rttMs)
          break
        case 'goaway':
          this.#handler.onGoaway(effect.path, effect.reason, effect.delayMs)
          break
        case 'budgetLow':
          this.#handler.onBudgetLow(effect.path)
          break
        case 'renewAsked':
          this.#handler.onRenewAsked(effect.path)
          break
        case 'pathDrained':
          this.#handler.onPathDrained(effect.path)
          break
        case 'peerClosed':
          this.#onPeerClosed(effect.code)
          break
        case 'closed':
          this.#finish(this.#endError ?? (effect.code === 0 ? undefined : new PeerAbortedError(effect.code)))
          break
        default:
          this.#streams.apply(effect)
      }
    } catch (err) {
      this.#log.error('%s failed - %e', effect.type, err)
    }
  }

  #send(id: number, frame: Frame): void {
    const waiting = this.#outbox.get(id)
    if (waiting != null) {
      waiting.push(frame)
      return
    }
    this.#flush.schedule()
    this.#outbox.set(id, [frame])
  }

  /** What is due leaves now instead of at the end of the task. */
  flush(): void {
    this.#onEndOfTask()
  }

  /** Acknowledgements travel with the answers that the task's frames led to. */
  #onEndOfTask(): void {
    this.#writes = 0
    this.#run((now) => this.session.flush(now))
    this.#writeAll()
  }

  #writeAll(): void {
    for (const [id, frames] of this.#outbox) {
      this.#outbox.delete(id)
      const path = this.#paths.get(id)
      if (path == null) continue
      const more = path.write(frames)
      this.#readBudget(id, path)
      if (more) continue
      this.#run((now) => this.session.setWritable(id, false, now))
    }
  }

  /** Whatever went over the carrier is counted there: signalling, identify, all overhead. */
  #readBudget(id: number, path: SessionPath): void {
    if (path.circuit.limitBytes == null) return
    const { remainingBytes = 0 } = path.budget ?? {}
    this.session.setBudget(id, remainingBytes, !this.#outbox.has(id), this.#now())
  }

  #onPathError(id: number, error: Error): void {
    const path = this.#paths.get(id)
    if (path == null) return
    this.#log('peer broke the protocol on path %d - %e', id, error)
    this.#forget(id, path)
    this.session.detachPath(id, this.#now())
    path.abort(error)
  }

  #onPeerClosed(code: number): void {
    if (code !== 0) {
      this.#streams.muxer?.onPeerAborted()
    } else {
      this.#peerClosed = true
      if (this.#streams.muxer != null) this.#streams.muxer.onPeerClosed()
      else this.session.close(this.#now())
    }
    this.#handler.onPeerClosed(code)
  }

  /** Orderly, without the last acknowledgement. */
  #settle(): void {
    this.#finish(undefined)
    this.session.abort(0, this.#now())
  }

  #finish(error: Error | undefined): void {
    if (this.#status === 'closed') return
    this.#writeAll()
    this.#status = 'closed'
    if (error != null) this.#lostBytes = this.#sendBufferedBytes + this.#unsentBytes
    this.#flush.stop()
    clearTimeout(this.#timer?.handle)
    clearTimeout(this.#linger)
    this.#timer = undefined
    this.#streams.forgetEarly()
    this.#paths.clear()
    this.#ids.clear()
    this.#outbox.clear()
    if (error == null) this.#closed.resolve()
    else this.#closed.reject(error)
    this.#streams.muxer?.end(error)
    this.#handler.onClosed(error)
  }

  #forget(id: number, path: SessionPath): void {
    this.#paths.delete(id)
    this.#ids.delete(path)
    this.#outbox.delete(id)
  }

  #createMuxer(maConn: MessageStream): SessionMuxer {
    if (this.#streams.muxer != null)
      throw new Error('A session carries one durable connection: it has its muxer already')
    const muxer = new SessionMuxer(maConn, this)
    if (this.#status === 'closed') muxer.end(this.#endError)
    for (const effect of this.#streams.attach(muxer)) this.#apply(effect)
    this.#drain()
    return muxer
  }

  #arm(): void {
    const at = this.#status === 'closed' ? undefined : this.session.nextWakeAt()
    // A timer that fires too early is armed again; that is cheaper than moving it with every frame.
    if (at == null || (this.#timer != null && this.#timer.at <= at)) return
    clearTimeout(this.#timer?.handle)
    const delayMs = Math.max(0, Math.ceil(at - this.#now()))
    this.#timer = { at, handle: setTimeout(() => this.#onTimer(), delayMs) }
  }

  #onTimer(): void {
    this.#timer = undefined
    const at = this.session.nextWakeAt()
    if (at != null && at <= this.#now()) this.#run((now) => this.session.tick(now))
    else this.#arm()
  }
}
