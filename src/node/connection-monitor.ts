/** libp2p's connection monitor is running beside `links()`. */
export class ConnectionMonitorError extends Error {
  static override name = 'ConnectionMonitorError'
  override name = 'ConnectionMonitorError'

  constructor() {
    super(
      "links() cannot run beside libp2p's connection monitor, which aborts durable connections 11 s into an outage: set connectionMonitor: { enabled: false } (createNode does)"
    )
  }
}

/** @throws {ConnectionMonitorError} */
export function assertNoConnectionMonitor(components: object): void {
  if (hasComponent(components, 'connectionMonitor')) throw new ConnectionMonitorError()
}

/** libp2p's components throw for names that are not set. */
function hasComponent(components: object, name: string): boolean {
  try {
    return Reflect.get(components, name) != null
  } catch {
    return false
  }
}
