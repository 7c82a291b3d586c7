import type { Connection, MessageStreamDirection, PeerId } from '@libp2p/interface'
import { compare as uint8ArrayCompare } from 'uint8arrays/compare'
import {
  type Dialer,
  LinkClosedError,
  type LinkComponents,
  type Peer,
  PeerLink,
  peerIdOf,
  relayOf,
  UpgradeForbiddenError
} from '../link/index.ts'
import { DEFAULT_SESSION_CONFIG, type Self, type SessionConfig } from '../session/index.ts'
import { INSTANCE_ID_BYTES } from '../wire/index.ts'
import type { Limits } from './defaults.ts'
import { DurableSession } from './durable-session.ts'
import type { Policy } from './policy.ts'
import type { Reach } from './reach.ts'
import type { RelayLimits } from './relay-limits.ts'
import type { Renewals } from './renewals.ts'

export interface LinkMakerInit {
  readonly components: LinkComponents
  readonly limits: Limits
  readonly policy: Policy
  readonly dialer: Dialer
  readonly reach: Reach
  readonly renewals: Renewals
  readonly relayLimits: RelayLimits
}

/** Makes links of this process: their sessions, and how they reach their peers again and directly. */
export class LinkMaker {
  readonly #init: LinkMakerInit
  readonly #sessionConfig: SessionConfig
  readonly #instance = crypto.getRandomValues(new Uint8Array(INSTANCE_ID_BYTES))

  constructor(init: LinkMakerInit) {
    this.#init = init
    const { maxBufferedBytes } = init.limits
    this.#sessionConfig = {
      ...DEFAULT_SESSION_CONFIG,
      sessionWindow: maxBufferedBytes,
      maxSendBuffer: maxBufferedBytes,
      streamWindow: Math.min(DEFAULT_SESSION_CONFIG.streamWindow, maxBufferedBytes),
      maxStreamSendBuffer: Math.min(DEFAULT_SESSION_CONFIG.maxStreamSendBuffer, maxBufferedBytes)
    }
  }

  /** What this process says of itself to a peer. */
  self(peer: PeerId): Self {
    const { streamWindow, sessionWindow } = this.#sessionConfig
    return { instance: this.#instance, side: sideOf(this.#init.components.peerId, peer), streamWindow, sessionWindow }
  }

  make(peer: Peer, direction: MessageStreamDirection, onEnd: (link: PeerLink) => void): PeerLink {
    const { components, limits, policy, reach, renewals, relayLimits } = this.#init
    const { side } = peer.self
    return new PeerLink({
      remotePeer: peer.id,
      side,
      config: limits,
      closeTimeoutMs: limits.closeTimeoutMs,
      neverUpgrade: () => policy.neverUpgrade(peer.id),
      log: components.logger.forComponent('libp2p:holdfast:link').newScope(peer.id.toString().slice(-8)),
      hooks: {
        upgrade: (link, via, signal) => this.#upgrade(peer, link, via.connection, signal),
        redial: async (link, signal) => {
          const bounded = AbortSignal.any([signal, AbortSignal.timeout(limits.dialTimeoutMs)])
          await reach.open(peer, undefined, bounded, { avoidRelays: relaysOf(link) })
        },
        renew: (_link, relay, signal) =>
          renewals.open(peer, relay, AbortSignal.any([signal, AbortSignal.timeout(limits.dialTimeoutMs)])),
        onCut: (cut) => relayLimits.onCut(cut),
        spared: (carrier, circuit, signal) => relayLimits.watchUnit(carrier, circuit, signal),
        onEnd
      },
      createSession: (link) =>
        new DurableSession({
          remotePeer: peer.id,
          side,
          config: this.#sessionConfig,
          direction,
          upgrader: components.upgrader,
          listener: link,
          log: components.logger.forComponent('libp2p:holdfast:session')
        })
    })
  }

  async #upgrade(peer: Peer, link: PeerLink, via: Connection, signal: AbortSignal): Promise<void> {
    this.#init.policy.assertUpgrades(peer.id)
    const carrier = await this.#init.dialer.dialWebRTC(peer.id, via, { signal }).catch((err: Error) => {
      if (err.name !== 'UnsupportedProtocolError') throw err
      throw new UpgradeForbiddenError('the peer takes no offers: it has no WebRTC, or its policy forbids direct paths')
    })
    try {
      signal.throwIfAborted()
      const attached = await peer.openPath(carrier, { signal })
      if (attached !== link) throw new LinkClosedError('Another session took over meanwhile')
    } catch (err) {
      carrier.abort(err as Error)
      throw err
    }
  }
}

/** Compared as bytes, so that every language orders them alike. */
function sideOf(self: PeerId, peer: PeerId): 0 | 1 {
  return uint8ArrayCompare(self.toMultihash().bytes, peer.toMultihash().bytes) < 0 ? 0 : 1
}

/** Those of the paths there are: whoever looks for another path needs another relay. */
function relaysOf(link: PeerLink): string[] {
  return link.paths.flatMap(({ kind, remoteAddr }) => {
    const relay = kind === 'relayed' ? relayOf(remoteAddr) : undefined
    return (relay == null ? undefined : peerIdOf(relay)) ?? []
  })
}
