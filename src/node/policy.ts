import type { PeerId } from '@libp2p/interface'
import { LinkRefusedError, type LinksInit, UpgradeForbiddenError } from '../link/index.ts'

/** Whom this node has links with, and whom it shows its IP address. Asked each time: answers may change. */
export class Policy {
  readonly #init: Pick<LinksInit, 'accept' | 'upgrade'>

  constructor(init: Pick<LinksInit, 'accept' | 'upgrade'>) {
    this.#init = init
  }

  /** @throws {LinkRefusedError} */
  async assertAccepts(peer: PeerId): Promise<void> {
    if ((await this.#init.accept?.(peer)) === false) {
      throw new LinkRefusedError(`The accept policy of this node refuses ${peer}`)
    }
  }

  /** Whether this peer may learn our IP address. */
  mayReveal(peer: PeerId): boolean {
    const { upgrade = 'auto' } = this.#init
    return typeof upgrade === 'function' ? upgrade(peer) : upgrade === 'auto'
  }

  /** Why there is to be no direct path with this peer now; undefined if there may be one. */
  neverUpgrade(peer: PeerId): string | undefined {
    if (!this.mayReveal(peer)) return 'the upgrade policy of this node forbids it: it would reveal IP addresses'
    if (!hasWebRTC()) return 'this runtime has no WebRTC'
    return undefined
  }

  /** Nobody ever gets a direct path: offers need no handler. */
  get isNever(): boolean {
    return this.#init.upgrade === 'never' || !hasWebRTC()
  }

  /** @throws {UpgradeForbiddenError} */
  assertUpgrades(peer: PeerId): void {
    const reason = this.neverUpgrade(peer)
    if (reason != null) throw new UpgradeForbiddenError(reason)
  }
}

function hasWebRTC(): boolean {
  return typeof globalThis.RTCPeerConnection === 'function' || globalThis.process?.versions?.node != null
}
