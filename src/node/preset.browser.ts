import type { ServiceMap } from '@libp2p/interface'
import { assemble, type CreateNodeInit, type HoldfastNode } from './create-node.ts'
import { InvalidOptionError } from './defaults.ts'
import { keptIdentity, type PageIdentity, temporaryIdentity } from './identity/index.ts'

/**
 * A started node for browsers: WebSocket, circuit relay and WebRTC where the browser has it, with links.
 *
 * @throws {InvalidOptionError} an option cannot be used; the message says which, and what it may be
 * @throws {RelayUnreachableError} no relay took this node in
 */
export async function createNode<T extends ServiceMap = ServiceMap>(
  init: CreateNodeInit<T> = {}
): Promise<HoldfastNode<T>> {
  if (init.libp2p?.privateKey != null) return assemble(init, [])
  const identity = await identityFor(init.identity)
  const { kept, note } = identity
  // Put aside or gone for good: whoever opens this page meanwhile may be us.
  const release = (): void => identity.release()
  globalThis.addEventListener('pagehide', release)
  const end = (): void => {
    globalThis.removeEventListener('pagehide', release)
    release()
  }
  try {
    const own = { ...init, libp2p: { ...init.libp2p, privateKey: identity.privateKey } }
    const node = await assemble(own, [], {
      identity: { kept, note },
      mayResume: async () => {
        const mayResume = await identity.reclaim()
        if (!mayResume) void node.stop()
        return mayResume
      }
    })
    node.addEventListener('stop', end)
    return node
  } catch (err) {
    end()
    throw err
  }
}

function identityFor(option: CreateNodeInit['identity'] = 'kept'): Promise<PageIdentity> {
  if (option === 'ephemeral') return temporaryIdentity()
  const name = option === 'kept' ? 'default' : option.name
  if (typeof name !== 'string' || name === '') {
    throw new InvalidOptionError(`identity must be 'kept', 'ephemeral' or { name: string }, not ${String(option)}`)
  }
  return keptIdentity(name)
}
