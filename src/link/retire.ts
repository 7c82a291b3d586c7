import type { Logger } from '@libp2p/interface'
import type { SessionPath } from '../path/index.ts'
import type { Attached } from './attached-paths.ts'
import type { Carrier } from './carrier.ts'

/** Good-byes are small: what has not left by then is stuck. */
const CLOSE_TIMEOUT_MS = 1_000

/** What was written leaves first, then the carrier closes. */
export async function retire({ path, carrier }: Attached, log: Logger): Promise<void> {
  await closePath(path, log)
  await closeCarrier(carrier, log)
}

/** Never rejects. */
export async function closePath(path: SessionPath, log: Logger): Promise<void> {
  await path
    .close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
    .catch((err) => log('path did not close in an orderly way - %e', err))
}

/** Never rejects. */
export async function closeCarrier(carrier: Carrier, log: Logger): Promise<void> {
  await carrier.close().catch((err) => log('carrier did not close in an orderly way - %e', err))
}
