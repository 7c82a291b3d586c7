import type { HoldfastNode } from 'libp2p-holdfast'
import { shareLink } from './dial-target.ts'

export interface Self {
  readonly peerId: string
  readonly shareLink: string
  /** About the PeerId, for people; empty when nothing is known. */
  readonly identity: string
}

export function describe(node: HoldfastNode): Self {
  const { identity } = node.services.page
  const kept = identity.kept ? 'This browser keeps it: it is the same after a reload.' : ''
  return {
    peerId: node.peerId.toString(),
    shareLink: shareLink(new URL(location.href), node.peerId),
    identity: identity.note ?? kept
  }
}
