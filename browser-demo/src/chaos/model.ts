import type { PeerId } from '@libp2p/interface'
import { type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { HoldfastNode, Link, UpgradePolicy } from 'libp2p-holdfast'
import { dropDirect, dropRelay } from './breaking.ts'
import { nothing, sum, type Totals } from './ledger.ts'
import { type Observation, observe, timeFlow } from './observation.ts'
import { answerPulse, Pulse } from './pulse.ts'
import { pulseProtocol } from './pulse-frames.ts'

/** On the page; older ones go. */
const maxObservations = 6

/** Figures are to be read: no more of them a second. */
const showIntervalMs = 200

export interface ChaosInit {
  /** What the page itself wants of direct paths: the drawer only takes away. @default 'auto' */
  readonly upgrade?: 'auto' | 'never'
}

export interface Traffic {
  readonly sentBytes: number
  readonly arrivedBytes: number
}

export interface Line extends Traffic {
  readonly name: string
}

/** What the drawer of one peer shows. */
export interface PeerChaos {
  readonly isForbidden: ReadonlySignal<boolean>
  readonly isPaused: ReadonlySignal<boolean>
  /** Of all pulses over the newest link. */
  readonly totals: ReadonlySignal<Totals>
  /** What was on its way when earlier links with this peer ended: nobody can say whether it arrived. */
  readonly earlierUnconfirmedBytes: ReadonlySignal<number>
  /** Why there is no pulse; empty if there is one. */
  readonly trouble: ReadonlySignal<string>
  /** Other traffic of the page with this peer. */
  readonly lines: ReadonlySignal<readonly Line[]>
  /** Newest first. */
  readonly observations: ReadonlySignal<readonly Observation[]>
}

class PeerState implements PeerChaos {
  readonly isForbidden = signal(false)
  readonly isPaused = signal(false)
  readonly totals = signal(nothing)
  readonly earlierUnconfirmedBytes = signal(0)
  readonly lines: Signal<readonly Line[]> = signal([])
  readonly trouble = signal('')
  readonly observations: Signal<readonly Observation[]> = signal([])
  readonly peer: PeerId
  link: Link | undefined
  /** Of this link, the newest last. */
  readonly pulses: Pulse[] = []
  isOpening = false
  isOpen = false
  timer: ReturnType<typeof setInterval> | undefined

  constructor(peer: PeerId) {
    this.peer = peer
  }

  get pulse(): Pulse | undefined {
    const last = this.pulses.at(-1)
    return last?.isOpen === true ? last : undefined
  }
}

/** Takes paths away, and counts what becomes of the bytes. */
export class Chaos {
  /** For `createNode({ upgrade })`: asked at each attempt. */
  readonly upgrade: UpgradePolicy
  readonly #peers = new Map<string, PeerState>()
  readonly #lines = new Map<string, (peer: PeerId) => Traffic>()
  #node: HoldfastNode | undefined

  constructor({ upgrade = 'auto' }: ChaosInit = {}) {
    this.upgrade = upgrade === 'never' ? 'never' : (peer) => !this.#of(peer).isForbidden.value
  }

  /** Answers the pulses of other pages. Call it once, early. */
  async attach(node: HoldfastNode): Promise<void> {
    this.#node = node
    const { links } = node.services
    links.addEventListener('link:open', ({ detail: link }) => this.#follow(link))
    for (const link of links.all()) this.#follow(link)
    await node.handle(pulseProtocol, (stream) => answerPulse(stream), { runOnLimitedConnection: true })
  }

  /** One more line of the ledger, such as `files`. */
  count(name: string, traffic: (peer: PeerId) => Traffic): void {
    this.#lines.set(name, traffic)
  }

  of(peer: PeerId): PeerChaos {
    return this.#of(peer)
  }

  /** The drawer of this peer is open: its pulse runs. */
  open(peer: PeerId): void {
    const state = this.#of(peer)
    state.isOpen = true
    state.timer ??= setInterval(() => this.#show(state), showIntervalMs)
    this.#beat(state)
    this.#show(state)
  }

  close(peer: PeerId): void {
    const state = this.#of(peer)
    state.isOpen = false
    clearInterval(state.timer)
    state.timer = undefined
    void state.pulse?.end()
  }

  /** Then all that was sent arrives, and the figures have to be equal. */
  pause(peer: PeerId, isPaused: boolean): void {
    const state = this.#of(peer)
    state.isPaused.value = isPaused
    if (isPaused) state.pulse?.pause()
    else state.pulse?.start()
  }

  dropDirect(peer: PeerId): void {
    this.#do(peer, 'Drop the direct path', (node) => {
      const dropped = dropDirect(node, peer)
      return dropped === 0 ? 'there is no direct path to drop' : `${dropped} direct ${plural(dropped, 'path')} aborted`
    })
  }

  dropRelay(peer: PeerId): void {
    this.#do(peer, 'Drop the relay', (node) => {
      const dropped = dropRelay(node, peer)
      return dropped === 0
        ? 'there is no relay to drop'
        : `${dropped} ${plural(dropped, 'connection')} with the relay aborted`
    })
  }

  forbidDirect(peer: PeerId, isForbidden: boolean): void {
    this.#of(peer).isForbidden.value = isForbidden
    this.#do(peer, isForbidden ? 'Forbid direct paths' : 'Allow direct paths', (node, state, tell) => {
      if (isForbidden) return `${dropDirect(node, peer)} direct aborted, offers of either side are refused`
      state.link?.upgrade().then(
        () => tell('a direct path was found'),
        (err: Error) => tell(err.message)
      )
      return 'looking for a direct path'
    })
  }

  /** Breaks something, watches what follows, and times until a message sent after it is reported. */
  #do(
    peer: PeerId,
    action: string,
    perform: (node: HoldfastNode, state: PeerState, tell: (outcome: string) => void) => string
  ): void {
    const state = this.#of(peer)
    const observation = observe(state.link, action)
    const sinceMs = performance.now()
    observation.outcome.value = perform(this.#started, state, (outcome) => {
      observation.outcome.value = outcome
    })
    state.observations.value = [observation, ...state.observations.value].slice(0, maxObservations)
    void timeFlow(observation, state.pulse?.there(), sinceMs)
  }

  get #started(): HoldfastNode {
    if (this.#node == null) throw new Error('attach() comes first')
    return this.#node
  }

  #of(peer: PeerId): PeerState {
    const key = peer.toString()
    let state = this.#peers.get(key)
    if (state == null) {
      state = new PeerState(peer)
      this.#peers.set(key, state)
    }
    return state
  }

  #follow(link: Link): void {
    const state = this.#of(link.remotePeer)
    if (state.link === link) return
    state.link = link
    const { inFlightBytes, lostBytes } = sum(state.pulses.splice(0).map(({ totals }) => totals))
    state.earlierUnconfirmedBytes.value += inFlightBytes + lostBytes
    if (state.isOpen) this.#beat(state)
  }

  /** Sees to it that there is a pulse. */
  #beat(state: PeerState): void {
    const { link } = state
    if (state.pulse != null || state.isOpening || link == null || link.state.status === 'closed') return
    state.isOpening = true
    this.#openPulse(state, link)
      .catch((err: Error) => {
        state.trouble.value = err.name === 'UnsupportedProtocolError' ? 'The other side answers no pulse.' : err.message
      })
      .finally(() => {
        state.isOpening = false
        if (state.link !== link && state.isOpen) this.#beat(state)
      })
  }

  async #openPulse(state: PeerState, link: Link): Promise<void> {
    const stream = await link.connection.newStream(pulseProtocol, { runOnLimitedConnection: true })
    const pulse = new Pulse(stream)
    if (state.link !== link || !state.isOpen) return pulse.end()
    state.pulses.push(pulse)
    state.trouble.value = ''
    if (!state.isPaused.value) pulse.start()
  }

  #show(state: PeerState): void {
    state.totals.value = sum(state.pulses.map(({ totals }) => totals))
    state.lines.value = [...this.#lines].map(([name, traffic]) => ({ name, ...traffic(state.peer) }))
  }
}

function plural(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`
}
