/** No event tells Node of another network; asking costs a tenth of a millisecond. */
const POLL_INTERVAL_MS = 1_000

/**
 * Browsers tell when the network is another, and when a page was frozen and runs again; Node is asked for its addresses
 * every second. Returns how to stop.
 */
export function onNetworkChange(listener: () => void): () => void {
  const targets: Array<[EventTarget, string]> = []
  if (typeof globalThis.addEventListener === 'function' && typeof globalThis.document === 'object') {
    targets.push([globalThis, 'online'])
    // Page Lifecycle (https://wicg.github.io/page-lifecycle/): Chromium only.
    targets.push([globalThis.document, 'resume'])
  }
  const connection = (globalThis.navigator as { connection?: EventTarget } | undefined)?.connection
  if (connection != null) targets.push([connection, 'change'])
  for (const [target, type] of targets) target.addEventListener(type, listener)
  const stopPolling = pollAddresses(listener)
  return () => {
    for (const [target, type] of targets) target.removeEventListener(type, listener)
    stopPolling()
  }
}

function pollAddresses(listener: () => void): () => void {
  // Not by an import: browsers have no such module, and this is for both.
  const os = globalThis.process?.getBuiltinModule?.('node:os')
  if (os == null) return () => {}
  const read = (): string =>
    Object.values(os.networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal }) => !internal)
      .map(({ address }) => address)
      .sort()
      .join()
  let before = read()
  const timer = setInterval(() => {
    const now = read()
    if (now === before) return
    before = now
    listener()
  }, POLL_INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}
