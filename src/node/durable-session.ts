import type { AbortOptions, Connection, Logger, MessageStreamDirection, PeerId, Upgrader } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { raceSignal } from 'race-signal'
import type { SessionListener, SessionPort } from '../link/index.ts'
import type { SessionPath } from '../path/index.ts'
import { type PathStats, Session, type SessionConfig } from '../session/index.ts'
import type { Frame } from '../wire/index.ts'
import { LinkHandle } from './handle.ts'
import { LEFT, type PathWindows, SessionDriver } from './session-driver.ts'

export interface DurableSessionInit {
  readonly remotePeer: PeerId
  readonly side: 0 | 1
  readonly config: SessionConfig
  readonly direction: MessageStreamDirection
  readonly upgrader: Upgrader
  readonly listener: SessionListener & { close(options?: AbortOptions): Promise<void>; abort(error: Error): void }
  readonly log: Logger
}

/** A session, its driver, and the genuine libp2p connection made of them (decision 0001). */
export class DurableSession implements SessionPort {
  readonly connection: Promise<Connection>
  readonly #driver: SessionDriver
  readonly #handle: LinkHandle
  readonly #init: DurableSessionInit

  constructor(init: DurableSessionInit) {
    const { remotePeer, direction, listener, log } = init
    this.#init = init
    const session = new Session({ side: init.side, config: init.config, now: this.now() })
    this.#driver = new SessionDriver({
      session,
      log,
      handler: {
        onPathSuspect: (path) => listener.onSuspect(path),
        onPathRestored: (path) => listener.onRestored(path),
        onPong: (path, _nonce, rttMs) => listener.onPong(path, rttMs),
        onGoaway: (path, _reason, delayMs) => listener.onGoaway(path, delayMs),
        onBudgetLow: (path) => listener.onBudgetLow(path),
        onRenewAsked: (path) => listener.onRenewAsked(path),
        onPathDrained: (path) => listener.onPathDrained(path),
        onPeerClosed: () => listener.onPeerClosed(),
        onClosed: (error) => {
          this.#handle.end(error)
          listener.onClosed(error)
        }
      }
    })
    this.#handle = new LinkHandle({
      // A carrier's address would be taken for a duplicate of it by the connection manager.
      remoteAddr: multiaddr(`/p2p/${remotePeer}`),
      direction,
      log,
      owner: {
        closeHandle: (options) => listener.close(options),
        abortHandle: (error) => listener.abort(error)
      }
    })
    this.connection = this.#upgrade()
    this.connection.catch(() => {})
  }

  now(): number {
    return performance.now()
  }

  get unacknowledgedBytes(): number {
    return this.#driver.lostBytes + this.#driver.pendingBytes
  }

  get isSettled(): boolean {
    return this.#driver.isSettled
  }

  paths(): PathStats[] {
    return this.#driver.session.paths()
  }

  attach(id: number, path: SessionPath, windows: PathWindows): void {
    this.#driver.attachPath(id, path, windows)
  }

  detach(id: number): void {
    this.#driver.detachPath(id)
  }

  receive(path: SessionPath, frames: Frame[]): void {
    this.#driver.onFrames(path, frames)
  }

  setWritable(path: SessionPath): void {
    this.#driver.onWritable(path)
  }

  prefer(order: readonly number[]): void {
    this.#driver.prefer(order)
  }

  askRenewal(id: number): void {
    this.#driver.askRenewal(id)
  }

  ping(id: number): void {
    this.#driver.ping(id)
  }

  goaway(id: number, reason: number, delayMs: number): void {
    this.#driver.sendGoaway(id, reason, delayMs)
  }

  async close(options?: AbortOptions): Promise<void> {
    const connection = await this.connection
    await connection.close(options)
    // A connection also closes when the session ends in another way; whoever waits for delivery must hear of that.
    await raceSignal(this.#driver.closed, options?.signal)
  }

  abort(error: Error): void {
    this.#driver.abort(error)
  }

  end(): void {
    this.#driver.end()
  }

  leave(error: Error): void {
    this.#driver.abort(error, LEFT)
  }

  flush(): void {
    this.#driver.flush()
  }

  peerEnded(error: Error): void {
    this.#driver.peerEnded(error)
  }

  async #upgrade(): Promise<Connection> {
    const { upgrader, remotePeer, direction } = this.#init
    try {
      return await upgrader.upgradeOutbound(this.#handle, {
        skipEncryption: true,
        skipProtection: true,
        remotePeer,
        muxerFactory: this.#driver.muxerFactory,
        initiator: direction === 'outbound',
        signal: AbortSignal.timeout(UPGRADE_TIMEOUT_MS)
      })
    } catch (err) {
      this.#driver.abort(err as Error)
      throw err
    }
  }
}

/** Only connection gaters are waited for. */
const UPGRADE_TIMEOUT_MS = 10_000
