import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { shortPeer } from './words.ts'

export type DialTarget =
  | {
      readonly peer: PeerId
      /** The share link is of a page at another host: it may know other relays. */
      readonly foreignHost?: string
    }
  | { readonly mistake: string }

/** Who asks. */
export interface Dialler {
  readonly self: PeerId
  /** Multiaddrs of the relays this page uses. */
  readonly relays: readonly string[]
  readonly page: URL
}

export function shareLink(page: URL, self: PeerId): string {
  const link = new URL(page)
  link.hash = `dial=${self}`
  return link.href
}

/** The `<PeerId>` of `#dial=<PeerId>`. */
export function dialHash(hash: string): string | undefined {
  return new URLSearchParams(hash.replace(/^#/, '')).get('dial') ?? undefined
}

const lastPeer = (address: string): string => address.replace(/^.*\/p2p\//, '')

/** What people paste: a PeerId, a share link, or a multiaddr that ends in the PeerId. Each mistake in one sentence. */
export function readDialTarget(text: string, dialler: Dialler): DialTarget {
  const pasted = text.trim()
  if (pasted === '') return { mistake: 'Paste the PeerId or the share link of the other side first.' }
  if (/^https?:/i.test(pasted)) return readLink(pasted, dialler)
  if (pasted.startsWith('/')) return readAddress(pasted, dialler)
  return readPeer(pasted, dialler)
}

function readLink(pasted: string, dialler: Dialler): DialTarget {
  const link = URL.canParse(pasted) ? new URL(pasted) : undefined
  const wanted = dialHash(link?.hash ?? '')
  if (link == null || wanted == null) {
    return { mistake: 'This link names nobody: a share link ends in #dial= and the PeerId of whoever sent it.' }
  }
  const target = readPeer(wanted, dialler)
  if ('mistake' in target) return target
  const known = new Set(dialler.relays.map(lastPeer))
  const named = link.searchParams.getAll('relay').flatMap((relays) => relays.split(',').map(lastPeer))
  if (named.length > 0 && !named.some((relay) => known.has(relay))) {
    return { mistake: 'This share link is of another demo, which uses another relay: open it in a new tab instead.' }
  }
  return link.host === dialler.page.host ? target : { ...target, foreignHost: link.host }
}

function readAddress(pasted: string, dialler: Dialler): DialTarget {
  if (!pasted.includes('/p2p/')) {
    return { mistake: 'This address names no PeerId: it has to end in /p2p/ and the PeerId of the other side.' }
  }
  if (pasted.replace(/\/$/, '').endsWith('/p2p-circuit')) {
    return { mistake: 'This address ends at a relay: add /p2p/ and the PeerId of whom you want to reach behind it.' }
  }
  return readPeer(lastPeer(pasted), dialler)
}

function readPeer(wanted: string, { self, relays }: Dialler): DialTarget {
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
  if (relays.some((relay) => lastPeer(relay) === wanted)) {
    return { mistake: 'This is the relay, which only forwards: dial the PeerId of a page that is behind it.' }
  }
  return { peer }
}

/** One sentence on why a dial failed. */
export function dialMistake(err: unknown, peer: PeerId, foreignHost?: string): string {
  const name = shortPeer(peer)
  if (!(err instanceof Error)) return `Dialling ${name} failed: ${String(err)}.`
  switch (err.name) {
    case 'NoRouteError':
      return foreignHost == null
        ? `Nobody answered as ${name}: is its page open, and does it use the same relay?`
        : `Nobody answered as ${name}: its share link is of the demo at ${foreignHost}, so open that link in a new tab instead.`
    case 'PeerRefusedProtocolError':
      return `${name} is there, but does not speak Holdfast: only stock libp2p would reach it.`
    case 'LinkRefusedError':
      return `${name} is there, but accepts no link from you.`
    case 'TooManyLinksError':
      return 'This page holds as many links as it may: close one first.'
    case 'UnsupportedProtocolError':
      return `${name} speaks Holdfast, but is no demo page: it has no chat.`
    default:
      return `Dialling ${name} failed: ${err.message}`
  }
}
