import type { MultiaddrConnection, PeerId } from '@libp2p/interface'
import { type LinkComponents, override } from '../link/index.ts'

/**
 * Puts a refusal before the node's connection gater: circuits are refused before a byte of a handshake, direct carriers as
 * soon as the handshake has told who it is. The gater itself may belong to several nodes, so this node gets one of its own.
 */
export function refuseCarriers(components: LinkComponents, isRefused: (peer: PeerId) => boolean): void {
  const { connectionGater } = components
  const refusing = override(connectionGater, {
    denyInboundRelayedConnection: async (relay: PeerId, peer: PeerId) =>
      isRefused(peer) || (await connectionGater.denyInboundRelayedConnection?.(relay, peer)) === true,
    denyInboundEncryptedConnection: async (peer: PeerId, maConn: MultiaddrConnection) =>
      isRefused(peer) || (await connectionGater.denyInboundEncryptedConnection?.(peer, maConn)) === true
  })
  Object.assign(components, { connectionGater: refusing })
}
