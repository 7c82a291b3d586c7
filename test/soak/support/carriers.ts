// The carriers of a link, without a test runner: programs that tests start use this.
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import { pathKind } from '../../../src/path/index.ts'

/** The durable connection is none of them. */
export function carriers(node: Libp2p, peer: PeerId, kind?: string): Connection[] {
  return node
    .getConnections(peer)
    .filter(({ remoteAddr }) => remoteAddr.getComponents().length > 1)
    .filter(({ remoteAddr }) => kind == null || pathKind(remoteAddr) === kind)
}
