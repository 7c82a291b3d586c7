import type { ServiceMap } from '@libp2p/interface'
import { assemble, type CreateNodeInit, type HoldfastNode } from './create-node.ts'

/**
 * A started node for browsers: WebSocket, circuit relay and WebRTC where the browser has it, with links.
 *
 * @throws {InvalidOptionError} an option cannot be used; the message says which, and what it may be
 * @throws {RelayUnreachableError} no relay took this node in
 */
export function createNode<T extends ServiceMap = ServiceMap>(init: CreateNodeInit<T> = {}): Promise<HoldfastNode<T>> {
  return assemble(init, [])
}
