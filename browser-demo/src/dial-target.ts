import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { shortPeer } from './words.ts'

export type DialTarget = { readonly peer: PeerId } | { readonly mistake: string }

export function shareLink(page: URL, self: PeerId): string {
  const link = new URL(page)
  link.hash = `dial=${self}`
  return link.href
}

/** The `<PeerId>` of `#dial=<PeerId>`. */
export function dialHash(hash: string): string | undefined {
  return new URLSearchParams(hash.replace(/^#/, '')).get('dial') ?? undefined
}

/** What people paste: a PeerId, a share link, or a multiaddr that ends in the PeerId. */
export function readDialTarget(text: string, self: PeerId): DialTarget {
  const wanted = text.trim().replace(/^.*(#dial=|\/p2p\/)/, '')
  if (wanted === '') return { mistake: 'Paste the PeerId or the share link of the other side first.' }
  let peer: PeerId
  try {
    peer = peerIdFromString(wanted)
  } catch {
    const shown = wanted.length > 24 ? `${wanted.slice(0, 24)}…` : wanted
    return {
      mistake: `“${shown}” is not a PeerId: copy the whole one, 12D3KooW and 44 more characters, from the other side's page.`
    }
  }
  if (peer.equals(self)) return { mistake: 'This is your own PeerId: dial it from another window or device.' }
  return { peer }
}

/** One sentence on why a dial failed. */
export function dialMistake(err: unknown, peer: PeerId): string {
  if (!(err instanceof Error)) return `Dialling ${shortPeer(peer)} failed: ${String(err)}`
  switch (err.name) {
    case 'NoRouteError':
      return `Nobody answered as ${shortPeer(peer)}: ${err.message}`
    case 'PeerRefusedProtocolError':
      return `${shortPeer(peer)} is there, but does not speak Holdfast.`
    default:
      return `Dialling ${shortPeer(peer)} failed: ${err.message}`
  }
}
