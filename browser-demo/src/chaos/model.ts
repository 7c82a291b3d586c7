import type { HoldfastNode, UpgradePolicy } from 'libp2p-holdfast'

export interface ChaosInit {
  /** What the page itself wants of direct paths: the drawer only takes away. @default 'auto' */
  readonly upgrade?: 'auto' | 'never'
}

export interface Traffic {
  readonly sentBytes: number
  readonly arrivedBytes: number
}

export class Chaos {
  /** For `createNode({ upgrade })`: asked at each attempt. */
  readonly upgrade: UpgradePolicy

  constructor({ upgrade = 'auto' }: ChaosInit = {}) {
    this.upgrade = upgrade
  }

  /** Answers the pulses of other pages. Call it once, before the first link. */
  async attach(_node: HoldfastNode): Promise<void> {}

  /** One more line of the ledger, such as `files`. */
  count(_name: string, _traffic: (peer: { toString(): string }) => Traffic): void {}
}
