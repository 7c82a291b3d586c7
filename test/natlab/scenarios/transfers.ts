// Bytes both ways at the same time, and what came of them.
import type { Peer } from '../peers/index.ts'

export const TRANSFER_BYTES = 5_000_000

export interface Transfer {
  sent: { bytes: number; sha256: string }
  received: { bytes: number; sha256: string }
  /** From the first `send` to the moment at which the receiver has all of it. */
  ms: number
}

export class TransferFailedError extends Error {
  override name = 'TransferFailedError'
  readonly ms: number

  constructor(ms: number, cause: Error) {
    super(cause.message.split('\n', 1)[0], { cause })
    this.ms = ms
  }
}

/** `received` is asked for only when everything was sent. */
async function timed(
  sending: Promise<Transfer['sent']>,
  received: () => Promise<Transfer['received']>
): Promise<Transfer> {
  const start = performance.now()
  try {
    const sent = await sending
    return { sent, received: await received(), ms: performance.now() - start }
  } catch (err) {
    throw new TransferFailedError(performance.now() - start, err as Error)
  }
}

/** From `from` to `to`, both with Holdfast. @throws {TransferFailedError} */
export function transfer(from: Peer, to: Peer): Promise<Transfer> {
  const sending = from.evaluate((bytes) => person.send(bytes), TRANSFER_BYTES)
  return timed(sending, () => to.evaluate(() => person.received))
}

/** The same without. @throws {TransferFailedError} */
export function stockTransfer(from: Peer, to: Peer, toPeerId: string, timeoutMs: number): Promise<Transfer> {
  const sending = from.evaluate(([peerId, bytes, timeoutMs]) => stockPerson.send(peerId, bytes, timeoutMs), [
    toPeerId,
    TRANSFER_BYTES,
    timeoutMs
  ] as const)
  return timed(sending, () => to.evaluate(() => stockPerson.received))
}
