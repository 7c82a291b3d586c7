import type { Connection, Logger } from '@libp2p/interface'

/** Carries nothing. */
export const CONTROL_PROTOCOL = '/holdfast/control/1.0.0'

/** libp2p's pruner closes connections without streams first, links between two messages included: one stream stays open. */
export function holdControlStream(connection: Connection, log: Logger): void {
  connection
    .newStream(CONTROL_PROTOCOL)
    .catch((err) => log('no control stream: an idle link may be pruned when connections run out - %e', err))
}
