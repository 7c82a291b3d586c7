// Peers in the network lab: real browsers and Node processes inside its hosts, with Holdfast or with js-libp2p alone.
export { endPeers, openPeer, type Peer, type PeerOptions } from './peer.ts'
export type { PeerKind } from './protocol.ts'
export { type LabRelay, startLabRelay } from './relay.ts'
