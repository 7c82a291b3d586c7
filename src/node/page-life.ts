/** What becomes of the page we run in. */
export interface PageLifeListener {
  /** It is closed, reloaded or left for good. Nothing asynchronous happens any more. */
  leave(): void
  /** It goes into the back/forward cache: it may come back as it was, or never. */
  suspend(): void
  /** It came back from there. */
  resume(): void
}

/** Tells of the page's life; where there is no page nothing ever happens. Returns how to stop listening. */
export function onPageLife(listener: PageLifeListener): () => void {
  if (typeof globalThis.document !== 'object' || typeof globalThis.addEventListener !== 'function') return () => {}
  const onHide = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) listener.suspend()
    else listener.leave()
  }
  const onShow = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) listener.resume()
  }
  globalThis.addEventListener('pagehide', onHide)
  globalThis.addEventListener('pageshow', onShow)
  return () => {
    globalThis.removeEventListener('pagehide', onHide)
    globalThis.removeEventListener('pageshow', onShow)
  }
}
