import type { Logger } from '@libp2p/interface'
import type { Attached } from './attached-paths.ts'

/** Good-byes are small: what has not left by then is stuck. */
const CLOSE_TIMEOUT_MS = 1_000

/** What was written leaves first, then the carrier closes. */
export function retire({ path, carrier }: Attached, log: Logger): Promise<void> {
  return path
    .close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
    .catch((err) => log('path did not close in an orderly way - %e', err))
    .then(() => carrier.close())
    .catch((err) => log('carrier did not close in an orderly way - %e', err))
}
