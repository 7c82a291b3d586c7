/**
 * Browsers tell when the network is another, and when a page was frozen and runs again; elsewhere timers that fire late are
 * the only hint. Returns how to stop.
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
  return () => {
    for (const [target, type] of targets) target.removeEventListener(type, listener)
  }
}
