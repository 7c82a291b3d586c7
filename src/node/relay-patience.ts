import type { Connection } from '@libp2p/interface'
import { STAGGER_MS } from '../link/index.ts'
import { probeRelay } from './relay-probe.ts'

/** As after a network change: radios sleep, but not while they send. */
const ANSWER_MS = 3_000

/** Who hears what a dial finds out about its relay. */
export interface RelayWatcher {
  /** It answers. */
  trust(): void
  /** It takes longer than others would. */
  doubt(): void
}

/**
 * A dial through a relay that may be dead, or be connected by a connection that is: where nobody tells that the network has
 * changed, that is found out here. Once the other ways are tried as well, the relay is asked itself. A connection on which
 * it does not answer is given up, also when the peer was reached by another way meanwhile: the next dial makes a new one.
 */
export async function throughLivingRelay<T>(
  connections: () => Connection[],
  dial: () => Promise<T>,
  watcher?: RelayWatcher
): Promise<T> {
  let reached = false
  const timer = setTimeout(() => {
    watcher?.doubt()
    for (const connection of connections()) {
      probeRelay(connection, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
        () => watcher?.trust(),
        (err) => {
          if (!reached && connection.status === 'open') connection.abort(err)
        }
      )
    }
  }, STAGGER_MS)
  try {
    const result = await dial()
    reached = true
    watcher?.trust()
    return result
  } finally {
    clearTimeout(timer)
  }
}
