import type { CircuitRelayServerComponents } from '@libp2p/circuit-relay-v2'
import type { PeerId } from '@libp2p/interface'

/**
 * The same components, whose connections to a peer come newest first. The stock service opens circuits over the first one:
 * after an outage that is the one of before, on which nobody answers, and TCP may take as long as the outage to notice.
 */
export function newestFirst(components: CircuitRelayServerComponents): CircuitRelayServerComponents {
  const { connectionManager } = components

  return replaced(components, {
    connectionManager: replaced(connectionManager, {
      getConnections: (peer?: PeerId) =>
        connectionManager.getConnections(peer).sort((a, b) => b.timeline.open - a.timeline.open)
    })
  })
}

/** libp2p's components are a proxy: they cannot be spread. */
function replaced<T extends object>(target: T, values: Partial<T>): T {
  return new Proxy(target, {
    get(object, property) {
      if (Object.hasOwn(values, property)) return values[property as keyof T]
      const value = Reflect.get(object, property)
      return typeof value === 'function' ? value.bind(object) : value
    }
  })
}
