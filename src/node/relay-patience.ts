import type { Connection } from '@libp2p/interface'
import { probeRelay } from './relay-probe.ts'

/** A circuit takes some round trips. One that takes longer waits for the peer, or for a relay that is not there any more. */
const PATIENCE_MS = 500

/** As after a network change: radios sleep, but not while they send. */
const ANSWER_MS = 3_000

/**
 * A dial through a relay, over a connection to it that may be dead: where nobody tells that the network has changed, that
 * is found out here. One that does not answer is given up, so that the next dial makes a new one.
 */
export async function throughLivingRelay<T>(connections: () => Connection[], dial: () => Promise<T>): Promise<T> {
  let reached = false
  const timer = setTimeout(() => {
    for (const connection of connections()) {
      probeRelay(connection, { signal: AbortSignal.timeout(ANSWER_MS) }).catch((err) => {
        if (!reached && connection.status === 'open') connection.abort(err)
      })
    }
  }, PATIENCE_MS)
  try {
    const result = await dial()
    reached = true
    return result
  } finally {
    clearTimeout(timer)
  }
}
