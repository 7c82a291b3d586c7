// What the buttons do: to carriers, as a browser does that loses them, never to the link itself.
import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { Circuit, WebRTC } from '@multiformats/multiaddr-matcher'
import type { HoldfastNode } from 'libp2p-holdfast'

const isDirect = ({ remoteAddr }: Connection): boolean => WebRTC.exactMatch(remoteAddr)
const isRelayed = ({ remoteAddr }: Connection): boolean => Circuit.exactMatch(remoteAddr)

/** How many there were. */
export function dropDirect(node: HoldfastNode, peer: PeerId): number {
  return abort(node.getConnections(peer).filter(isDirect), 'taken away by the chaos drawer')
}

/** Relayed carriers to this peer, and the connections to the relays: other links over these feel it too. */
export function dropRelay(node: HoldfastNode, peer: PeerId): number {
  const carriers = node.getConnections(peer).filter(isRelayed)
  const relays = relaysOf([...carriers.map(({ remoteAddr }) => remoteAddr), ...node.getMultiaddrs()])
  const toRelays = [...relays].flatMap((relay) => node.getConnections(peerIdFromString(relay)))
  return abort([...carriers, ...toRelays], 'the relay was taken away by the chaos drawer')
}

/** The PeerIds before `p2p-circuit`. */
function relaysOf(addresses: ReturnType<HoldfastNode['getMultiaddrs']>): Set<string> {
  const relays = new Set<string>()
  for (const address of addresses) {
    const components = address.getComponents()
    const circuit = components.findIndex(({ name }) => name === 'p2p-circuit')
    const relay = components[circuit - 1]
    if (relay?.name === 'p2p' && relay.value != null) relays.add(relay.value)
  }
  return relays
}

function abort(connections: Connection[], why: string): number {
  const open = connections.filter(({ status }) => status === 'open')
  for (const connection of open) connection.abort(new Error(why))
  return open.length
}
