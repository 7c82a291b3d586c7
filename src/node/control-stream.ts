import type { Connection, Logger } from '@libp2p/interface'

/** Carries nothing. */
export const CONTROL_PROTOCOL = '/holdfast/control/1.0.0'

/** What the application says first goes first: no connection is pruned within a second. */
const DELAY_MS = 1_000

/** libp2p's pruner closes connections without streams first, links between two messages included: one stream stays open. */
export function holdControlStream(connection: Connection, log: Logger): void {
  const timer = setTimeout(() => {
    connection
      .newStream(CONTROL_PROTOCOL)
      .catch((err) => log('no control stream: an idle link may be pruned when connections run out - %e', err))
  }, DELAY_MS)
  connection.addEventListener('close', () => clearTimeout(timer), { once: true })
}
