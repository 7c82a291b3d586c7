import type { HoldfastNode } from 'libp2p-holdfast'

export class FileTransfers {
  /** Answers offers, and follows the links of this node. Call it once, before the first link. */
  async attach(_node: HoldfastNode): Promise<void> {}

  /** What this page sent to a peer, and how much of it the peer has stored, in bytes. */
  traffic(_peer: { toString(): string }): { readonly sentBytes: number; readonly arrivedBytes: number } {
    return { sentBytes: 0, arrivedBytes: 0 }
  }
}
