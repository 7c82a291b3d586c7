import type { AbortOptions, Connection, Logger, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { raceSignal } from 'race-signal'
import { type CircuitBudget, renewBelowMs, type SessionPath } from '../path/index.ts'
import type { Frame, HelloFrame } from '../wire/index.ts'
import type { Link, LinkEvents, LinkState, PathInfo, PathRole, Transition } from './api.ts'
import { type Attached, AttachedPaths, infoOf } from './attached-paths.ts'
import type { Carrier } from './carrier.ts'
import { AMPLE_BYTES, CHEAP_CIRCUIT_MS, HISTORY_LENGTH, type LinkConfig } from './config.ts'
import { relayOf } from './dialer.ts'
import { toEpoch } from './epoch.ts'
import {
  LinkClosedError,
  LinkExpiredError,
  LinkFlushError,
  LinkSupersededError,
  UpgradeFailedError,
  UpgradeForbiddenError
} from './errors.ts'
import { LinkMachine } from './link.step.ts'
import type { CircuitView, LinkEffect } from './link-events.ts'
import { MachineLoop } from './machine-loop.ts'
import { isDirect } from './preference.step.ts'
import { closeCarrier, closePath, retire } from './retire.ts'
import type { SessionListener, SessionPort } from './session-port.ts'
import { errorOf, failureOf } from './upgrade-attempt.ts'
import { whenTrue } from './when-true.ts'

/** GOAWAY reason: another path of the same kind stays. */
const LEAVE_DUPLICATE = 1
/** GOAWAY reason: nothing is heard on it. */
const LEAVE_DEAD = 2
/** GOAWAY reason: the page is put aside, and may come back. */
const LEAVE_SUSPENDED = 3
/** How long a path we left stays readable at most, where the peer does not tell that it has left it too. */
const LEAVE_DELAY_MS = 1_000

/** A circuit that came to its end by itself: what a relay allows, whatever it says, is learned from that. */
export interface CircuitCut {
  readonly relay: Multiaddr
  readonly usedBytes: number
  readonly ageMs: number
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** As told or known before. */
  readonly limitBytes?: number
  readonly limitMs?: number
}

/** What a link asks of its surroundings. */
export interface LinkHooks {
  /** Looks for a direct path, signalling over this carrier path; settles when one is attached or the attempt failed. */
  upgrade(link: PeerLink, via: Carrier, signal: AbortSignal): Promise<void>
  /** Reaches the peer anew; settles when a path is attached or all ways failed. */
  redial(link: PeerLink, signal: AbortSignal): Promise<void>
  /** Opens a path beside one over this relay that is about to end; settles when it is attached or could not be had. */
  renew(link: PeerLink, relay: Multiaddr, signal: AbortSignal): Promise<void>
  /** A circuit was cut, and the link goes on over another path. */
  onCut(cut: CircuitCut): void
  /**
   * Resolves when the carrier of a path that was left may close: while it is not known what its relay calls seconds, one that
   * is kept shows it.
   */
  spared(carrier: Connection, circuit: CircuitBudget, signal: AbortSignal): Promise<void>
  /** The link is over: forget it. */
  onEnd(link: PeerLink): void
}

export interface PeerLinkInit {
  readonly remotePeer: PeerId
  readonly side: 0 | 1
  readonly config: LinkConfig
  readonly closeTimeoutMs: number
  /** Why it must not upgrade now; undefined if it may. */
  neverUpgrade(): string | undefined
  readonly hooks: LinkHooks
  readonly log: Logger
  createSession(link: PeerLink): SessionPort
}

/** One session with one peer, and the machine that keeps paths under it. */
export class PeerLink extends TypedEventEmitter<LinkEvents> implements Link, SessionListener {
  readonly remotePeer: PeerId
  readonly side: 0 | 1
  readonly #init: PeerLinkInit
  readonly #log: Logger
  readonly #machine: LinkMachine
  readonly #session: SessionPort
  readonly #paths = new AttachedPaths()
  readonly #history: Transition[] = []
  readonly #abort = new AbortController()
  /** Ends what is under way when the page is put aside. */
  #suspension = new AbortController()
  /** Ends a redial that nobody needs any more. */
  #redialing = new AbortController()
  #connection: Connection | undefined
  readonly #loop: MachineLoop
  #attempt: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #peerClosed = false
  /** Circuits that ended by themselves, until it is known that the peer is still there. */
  #cuts: CircuitCut[] = []
  /** Paths we left, and what closes them. */
  readonly #leaving = new Map<number, () => void>()
  /** The carrier that an attempt for a direct path signals over. */
  #signallingOver: Carrier | undefined
  #retired: Promise<void> = Promise.resolve()

  constructor(init: PeerLinkInit) {
    super()
    this.remotePeer = init.remotePeer
    this.side = init.side
    this.#init = init
    this.#log = init.log
    this.#machine = new LinkMachine({
      side: init.side,
      config: init.config,
      neverUpgrade: init.neverUpgrade(),
      random: Math.random
    })
    this.#loop = new MachineLoop({
      machine: this.#machine,
      now: () => this.#session.now(),
      paths: () => this.#session.paths(),
      perform: (effect) => this.#perform(effect)
    })
    this.#session = init.createSession(this)
    this.#session.connection.then(
      (connection) => {
        this.#connection = connection
      },
      (err) => this.abort(err)
    )
  }

  get connection(): Connection {
    if (this.#connection == null) throw new LinkClosedError('The link is not up yet: wait for links.dial')
    return this.#connection
  }

  get state(): LinkState {
    return this.#inEpoch(this.#machine.state)
  }

  get history(): readonly Transition[] {
    return this.#history
  }

  get paths(): readonly PathInfo[] {
    return this.#paths.infos(this.#session.paths(), (id) => this.#role(id))
  }

  /** Whether the peer is heard on some path: the identity rules ask. */
  get isHeard(): boolean {
    return this.#paths.size > 0 && this.#machine.state.status !== 'recovering'
  }

  get pathCount(): number {
    return this.#paths.size
  }

  /** Resolves when the carriers of a link that ended are closed too. */
  get retired(): Promise<void> {
    return this.#retired
  }

  /** Resolves when the durable connection is up. */
  async ready(): Promise<this> {
    await this.#session.connection
    return this
  }

  /** Waits through an outage, redialling at once. False: the link ended instead, or is being closed, and has ended now. */
  async reachable(options?: AbortOptions): Promise<boolean> {
    await this.ready()
    if (this.#closing != null) await raceSignal(Promise.allSettled([this.#closing]), options?.signal)
    if (this.state.status === 'recovering') {
      this.#loop.step({ type: 'redialRequested' })
      await whenTrue(this, () => this.state.status !== 'recovering', options)
    }
    return !this.#isClosed
  }

  async upgrade(options?: AbortOptions): Promise<void> {
    const { state } = this
    if (state.status === 'direct') return
    if (state.status === 'closed') throw new LinkClosedError()
    const reason = this.#init.neverUpgrade()
    if (reason != null) throw new UpgradeForbiddenError(reason)
    await whenTrue(this, () => this.#isDecided, options)
    if (this.#isDirect) return
    this.#loop.step({ type: 'upgradeRequested' })
    if (this.#attempt == null)
      throw new UpgradeFailedError('No path is up to arrange a direct one over: the link tries when one is')
    await raceSignal(this.#attempt, options?.signal)
    await whenTrue(this, () => this.#isDecided, options)
    if (!this.#isDirect) throw new UpgradeFailedError('The direct path did not answer: the link goes on without it')
  }

  /** No direct path is being probed that will be used, or suspect, in a moment. */
  get #isDecided(): boolean {
    if (this.state.status !== 'relayed') return true
    return ![...this.#machine.paths.values()].some((path) => isDirect(path) && !path.leaving && !path.suspect)
  }

  async whenDirect(options?: AbortOptions): Promise<void> {
    await whenTrue(this, () => this.#isDirect || this.#isClosed, options)
    if (this.#isDirect) return
    throw (this.state.status === 'closed' ? this.state.reason : undefined) ?? new LinkClosedError()
  }

  close(options?: AbortOptions): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async #close(options?: AbortOptions): Promise<void> {
    if (this.#isClosed) return
    // Nobody lacks anything, and there is no path to say good-bye on: the peer learns of it when it dials.
    if (this.#paths.size === 0 && this.#connection != null && this.#session.isSettled) {
      this.#session.end()
      return
    }
    this.#loop.step({ type: 'closing' })
    const signal = options?.signal ?? AbortSignal.timeout(this.#init.closeTimeoutMs)
    try {
      await this.#session.close({ ...options, signal })
    } catch (err) {
      const { unacknowledgedBytes } = this.#session
      if (this.#isClosed && unacknowledgedBytes === 0) return
      if (this.#session.isSettled) {
        this.#session.end()
        return
      }
      const error = new LinkFlushError(unacknowledgedBytes, { cause: err })
      this.abort(error)
      throw error
    }
    this.#end(undefined, 'closed by us')
  }

  abort(err: Error): void {
    this.#end(err, err.message)
  }

  /** The peer's handshake shows that it has ended this session. */
  supersede(reason: string): void {
    const error = new LinkSupersededError(reason)
    this.#session.peerEnded(error)
    this.#end(error, reason)
  }

  /** The network is another, or we woke from sleep. */
  onNetworkChange(): void {
    this.#loop.step({ type: 'networkChanged' })
  }

  /** The page is put aside and may come back: sockets would keep it from that, and streams wait meanwhile. */
  suspend(): void {
    for (const id of this.#paths.ids) this.#session.goaway(id, LEAVE_SUSPENDED, 0)
    // The carriers are gone in the next line, not at the end of the task.
    this.#session.flush()
    this.#loop.step({ type: 'suspended' })
    this.#suspension.abort(new Error('the page was put aside'))
  }

  resume(): void {
    this.#suspension = new AbortController()
    this.#loop.step({ type: 'resumed' })
  }

  /** There is no time to wait for anything: the peer is told, and what it has not acknowledged may be lost. */
  leave(error: Error): void {
    this.#session.leave(error)
    this.#end(error, error.message)
  }

  // Paths, as the handshake brings them

  attach(id: number, path: SessionPath, carrier: Carrier, peer: HelloFrame): void {
    const { remainingBytes } = path.budget ?? {}
    for (const cut of this.#cuts.splice(0)) this.#init.hooks.onCut(cut)
    this.#paths.add(id, { path, carrier })
    carrier.adopt(this)
    this.#session.attach(id, path, {
      peerStreamWindow: peer.streamWindow,
      peerSessionWindow: peer.sessionWindow
    })
    const ample = remainingBytes == null || remainingBytes >= AMPLE_BYTES
    const circuit = this.#circuitOf(path)
    this.#loop.step({ type: 'attached', path: id, kind: path.kind, opener: (id & 1) as 0 | 1, ample, circuit })
    this.safeDispatchEvent('path:open', { detail: { path: this.#info(id, path), cause: `${path.kind} path opened` } })
  }

  onFrames(path: SessionPath, frames: Frame[]): void {
    this.#session.receive(path, frames)
  }

  onWritable(path: SessionPath): void {
    this.#session.setWritable(path)
  }

  onPathClosed(id: number, error?: Error): void {
    // A carrier may fail at one end only, as WebRTC does after sleep: the other would send into it until its own probes fail.
    this.#session.goaway(id, LEAVE_DEAD, 0)
    const view = this.#machine.paths.get(id)
    if (view?.leaving === false) this.#recordCut(id)
    this.#detach(id, error?.message ?? 'closed by the peer or the carrier')
  }

  // What the session tells

  onSuspect(path: number): void {
    this.#loop.step({ type: 'suspect', path })
  }

  onRestored(path: number): void {
    this.#loop.step({ type: 'restored', path })
  }

  onPong(path: number, rttMs: number): void {
    this.#loop.step({ type: 'pong', path, rttMs })
  }

  onGoaway(path: number, delayMs: number): void {
    this.#loop.step({ type: 'goaway', path, gone: delayMs === 0 })
  }

  onBudgetLow(path: number): void {
    this.#loop.step({ type: 'budgetLow', path })
  }

  onRenewAsked(path: number): void {
    this.#loop.step({ type: 'renewAsked', path })
  }

  onPathDrained(path: number): void {
    this.#leaving.get(path)?.()
  }

  onPeerClosed(): void {
    this.#peerClosed = true
    this.close().catch((err) => this.#log('peer closed, our answer is incomplete - %e', err))
  }

  onClosed(error?: Error): void {
    this.#end(error, error?.message ?? 'closed')
  }

  #info(id: number, path: SessionPath): PathInfo {
    return infoOf(id, path, this.#session.paths(), this.#role(id))
  }

  #role(id: number): PathRole {
    const view = this.#machine.paths.get(id)
    if (view?.suspect === true) return 'suspect'
    if (this.#machine.selected === id) return 'active'
    return view != null && isDirect(view) && !view.proven ? 'opening' : 'standby'
  }

  get #ending(): AbortSignal {
    return AbortSignal.any([this.#abort.signal, this.#suspension.signal])
  }

  get #isDirect(): boolean {
    return this.#machine.state.status === 'direct'
  }

  get #isClosed(): boolean {
    return this.#machine.state.status === 'closed'
  }

  #circuitOf({ kind, limited, budget, circuit: { limitMs } }: SessionPath): CircuitView | undefined {
    if (kind !== 'relayed' || !limited) return undefined
    const { remainingMs } = budget ?? {}
    const cheap = limitMs == null || limitMs >= CHEAP_CIRCUIT_MS
    if (limitMs == null || remainingMs == null) return { cheap }
    return { cheap, renewAt: this.#session.now() + remainingMs - renewBelowMs(limitMs) }
  }

  /** Whose peer has gone, or whose network has, tells nothing of the relay: kept until the peer is there again. */
  #recordCut(id: number): void {
    const { path } = this.#paths.get(id) ?? {}
    const relay = path == null ? undefined : relayOf(path.remoteAddr)
    if (path == null || relay == null || path.kind !== 'relayed') return
    const { usedBytes, ageMs, circuit } = path
    const { limitBytes, limitMs } = circuit
    this.#cuts.push({ relay, usedBytes, ageMs, at: Date.now(), limitBytes, limitMs })
  }

  #detach(id: number, cause: string): void {
    const { path } = this.#paths.get(id) ?? {}
    if (path == null) return
    const info = this.#info(id, path)
    this.#paths.remove(id)
    this.#session.detach(id)
    // It has everything, and its own end has reached us: only the last acknowledgement went missing.
    if (this.#peerClosed && this.#paths.size === 0)
      this.#session.peerEnded(new LinkClosedError('The peer closed the link'))
    this.#loop.step({ type: 'detached', path: id, cause })
    this.safeDispatchEvent('path:close', { detail: { path: info, cause } })
  }

  #perform(effect: LinkEffect): void {
    switch (effect.type) {
      case 'prefer':
        this.#session.prefer(effect.order)
        return
      case 'select': {
        const { path } = this.#paths.get(effect.path) ?? {}
        if (path == null) return
        this.#log('sending over %s path %d: %s', path.kind, effect.path, effect.cause)
        this.safeDispatchEvent('path:select', { detail: { path: this.#info(effect.path, path), cause: effect.cause } })
        return
      }
      case 'probe':
        this.#session.ping(effect.path)
        return
      case 'abandon': {
        const attached = this.#paths.get(effect.path)
        if (attached == null) return
        const error = new Error(effect.cause)
        // The other side may owe nothing on it, and would keep its end until its own probes failed.
        this.#session.goaway(effect.path, LEAVE_DEAD, 0)
        attached.path.abort(error)
        attached.carrier.abort(error)
        this.#detach(effect.path, effect.cause)
        return
      }
      case 'leave':
        this.#leave(effect.path, effect.cause)
        return
      case 'upgrade':
        this.#startUpgrade(effect)
        return
      case 'renew':
        this.#renew(effect.path)
        return
      case 'askRenewal':
        this.#session.askRenewal(effect.path)
        return
      case 'redial':
        this.#redial()
        return
      case 'redialOver':
        this.#redialing.abort(new Error('the path that did not answer does again'))
        return
      case 'expired':
        this.abort(new LinkExpiredError(this.#init.config.resumeWindowMs))
        return
      case 'state':
        this.#onState(effect)
    }
  }

  #onState({ state, previous, cause }: Extract<LinkEffect, { type: 'state' }>): void {
    if (state.status !== previous.status) {
      this.#log('%s -> %s: %s', previous.status, state.status, cause)
      this.#history.push({ at: Date.now(), from: previous.status, to: state.status, cause })
      if (this.#history.length > HISTORY_LENGTH) this.#history.shift()
    }
    const detail = { state: this.#inEpoch(state), previous: this.#inEpoch(previous), cause }
    this.safeDispatchEvent('link:state', { detail })
  }

  #leave(id: number, cause: string): void {
    if (this.#paths.get(id) == null) return
    const { signal } = this.#abort
    const stop = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      this.#leaving.delete(id)
    }
    const end = (): void => {
      stop()
      const attached = this.#paths.get(id)
      if (attached != null) void this.#retire(attached)
      this.#detach(id, cause)
    }
    const timer = setTimeout(end, LEAVE_DELAY_MS)
    signal.addEventListener('abort', stop, { once: true })
    this.#leaving.set(id, end)
    this.#session.goaway(id, LEAVE_DUPLICATE, LEAVE_DELAY_MS)
  }

  /** An attempt for a direct path that is being arranged over the carrier is not cut off. */
  async #retire({ path, carrier }: Attached): Promise<void> {
    const attempt = this.#signallingOver === carrier ? this.#attempt : undefined
    const spared = this.#init.hooks.spared(carrier.connection, path.circuit, this.#ending)
    await closePath(path, this.#log)
    await Promise.allSettled([attempt, spared])
    await closeCarrier(carrier, this.#log)
  }

  #renew(id: number): void {
    const { path } = this.#paths.get(id) ?? {}
    const relay = path == null ? undefined : relayOf(path.remoteAddr)
    if (relay == null) {
      this.#loop.step({ type: 'renewFailed', cause: 'its relay is not known' })
      return
    }
    const signal = this.#ending
    this.#init.hooks.renew(this, relay, signal).catch((err: Error) => {
      if (!signal.aborted) this.#loop.step({ type: 'renewFailed', cause: err.message })
    })
  }

  #startUpgrade({ via, timeoutMs }: Extract<LinkEffect, { type: 'upgrade' }>): void {
    const { carrier } = this.#paths.get(via) ?? {}
    if (carrier == null) {
      this.#loop.step({ type: 'upgradeFailed', cause: 'the path to arrange it over has just closed' })
      return
    }
    const signal = AbortSignal.any([this.#ending, AbortSignal.timeout(timeoutMs)])
    const attempt = this.#init.hooks.upgrade(this, carrier, signal)
    this.#signallingOver = carrier
    this.#attempt = attempt
      .catch((err: Error) => {
        if (this.#isClosed) throw new LinkClosedError()
        this.#log('upgrade failed - %e', err)
        this.#loop.step(failureOf(err))
        throw errorOf(err)
      })
      .finally(() => {
        this.#attempt = undefined
        this.#signallingOver = undefined
      })
    // Whoever asked by `upgrade()` hears of it; nobody else needs to.
    this.#attempt.catch(() => {})
  }

  #redial(): void {
    this.#redialing = new AbortController()
    const signal = AbortSignal.any([this.#ending, this.#redialing.signal])
    this.#init.hooks.redial(this, signal).catch((err: Error) => {
      if (!signal.aborted) this.#loop.step({ type: 'redialFailed', cause: err.message })
    })
  }

  /** Idempotent: the first reason stands. */
  #end(reason: Error | undefined, cause: string): void {
    if (this.#isClosed) return
    const attached = this.#paths.takeAll()
    this.#loop.step({ type: 'closed', reason, cause })
    this.#abort.abort(reason ?? new LinkClosedError())
    this.#loop.stop()
    if (reason != null) this.#session.abort(reason)
    this.#retired = Promise.all(attached.map((one) => retire(one, this.#log))).then(() => {})
    this.#init.hooks.onEnd(this)
  }

  #inEpoch(state: LinkState): LinkState {
    return toEpoch(state, Date.now() - this.#session.now())
  }
}
