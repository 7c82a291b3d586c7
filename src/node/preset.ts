import type { ServiceMap } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { closeChannelsWithTheirConnection, onNodeStarted, onNodeStopped } from './closing-channels.ts'
import { assemble, type CreateNodeInit, type HoldfastNode } from './create-node.ts'
import { InvalidOptionError } from './defaults.ts'

/**
 * A started node for Node.js: TCP, WebSocket, circuit relay and WebRTC, with links. In browsers `createNode` gives the same
 * without TCP, and without WebRTC where the browser has none.
 *
 * @throws {InvalidOptionError} an option cannot be used; the message says which, and what it may be
 * @throws {RelayUnreachableError} no relay took this node in
 */
export async function createNode<T extends ServiceMap = ServiceMap>(
  init: CreateNodeInit<T> = {}
): Promise<HoldfastNode<T>> {
  if (init.identity != null && init.identity !== 'ephemeral') {
    throw new InvalidOptionError(
      "identity can only be 'ephemeral' in Node.js: keep a private key yourself and give it as libp2p: { privateKey }"
    )
  }
  closeChannelsWithTheirConnection()
  const node = await assemble(init, [tcp()])
  if (node.status === 'started') onNodeStarted()
  node.addEventListener('start', onNodeStarted)
  node.addEventListener('stop', onNodeStopped)
  return node
}
