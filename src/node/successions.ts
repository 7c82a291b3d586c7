import type { PeerId } from '@libp2p/interface'
import type { LinkComponents, PeerLink } from '../link/index.ts'

/**
 * A peer that comes back is another process, and protocols that keep state per peer must hear of it. libp2p tells them when
 * the last connection closes; where carriers of the session before, or of the next one, are open meanwhile, we do.
 */
export class Successions {
  readonly #components: Pick<LinkComponents, 'events' | 'connectionManager'>
  /** Peers whose link ended while they have other connections. */
  readonly #ended = new Set<string>()
  /** Announced as `peer:disconnect`, and not yet as `peer:connect`. */
  readonly #announced = new Set<string>()

  constructor(components: Pick<LinkComponents, 'events' | 'connectionManager'>) {
    this.#components = components
  }

  start(): void {
    this.#components.events.addEventListener('peer:connect', this.#onConnect)
    this.#components.events.addEventListener('peer:disconnect', this.#onDisconnect)
  }

  stop(): void {
    this.#components.events.removeEventListener('peer:connect', this.#onConnect)
    this.#components.events.removeEventListener('peer:disconnect', this.#onDisconnect)
    this.#ended.clear()
    this.#announced.clear()
  }

  onEnd({ remotePeer }: PeerLink): void {
    if (this.#components.connectionManager.getConnections(remotePeer).length > 0) this.#ended.add(remotePeer.toString())
  }

  /** Before the durable connection of a new link. */
  onBegin(peer: PeerId): void {
    if (!this.#ended.has(peer.toString())) return
    this.#components.events.safeDispatchEvent('peer:disconnect', { detail: peer })
    this.#announced.add(peer.toString())
  }

  onReady({ remotePeer }: PeerLink): void {
    if (!this.#announced.has(remotePeer.toString())) return
    this.#components.events.safeDispatchEvent('peer:connect', { detail: remotePeer })
  }

  readonly #onConnect = ({ detail: peer }: CustomEvent<PeerId>): void => {
    this.#announced.delete(peer.toString())
  }

  readonly #onDisconnect = ({ detail: peer }: CustomEvent<PeerId>): void => {
    this.#ended.delete(peer.toString())
    this.#announced.delete(peer.toString())
  }
}
