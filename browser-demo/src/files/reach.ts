import type { PeerId } from '@libp2p/interface'
import type { HoldfastNode, Link } from 'libp2p-holdfast'

const firstPauseMs = 250
const maxPauseMs = 15_000

/** Twice as long each time. */
export function pauseMs(failures: number): number {
  return Math.min(maxPauseMs, firstPauseMs * 2 ** Math.max(0, failures - 1))
}

export interface Attempts {
  /** In a row; the first one after a link that brought something counts as one. */
  failures: number
  /** The link of the last attempt. */
  last?: Link
}

/** A link with the peer: the one there is, the one somebody dials, or one dialled here. */
export async function reach(node: HoldfastNode, peer: PeerId, attempts: Attempts, signal: AbortSignal): Promise<Link> {
  const { failures, last } = attempts
  if (failures > 0) await nextLink(node, peer, AbortSignal.any([signal, AbortSignal.timeout(pauseMs(failures))]))
  signal.throwIfAborted()
  const { links } = node.services
  const link = links.get(peer)
  if (link != null && link.state.status !== 'closed') return link
  // Whoever closed the link on purpose does not want it back because of a file.
  if (last?.state.status === 'closed' && last.state.reason == null) await nextLink(node, peer, signal)
  return links.dial(peer, { signal })
}

/** Resolves with the next link, or when the signal is aborted. */
export function nextLink(node: HoldfastNode, peer: PeerId, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { links } = node.services
  const onOpen = ({ detail }: CustomEvent<Link>): void => {
    if (detail.remotePeer.equals(peer)) resolve()
  }
  const onAbort = (): void => resolve()
  links.addEventListener('link:open', onOpen)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) resolve()
  return promise.finally(() => {
    links.removeEventListener('link:open', onOpen)
    signal.removeEventListener('abort', onAbort)
  })
}
