import type { Stream } from '@libp2p/interface'
import type { LengthPrefixedStream } from '@libp2p/utils'
import { sliceBytes } from './limits.ts'
import {
  type Accepted,
  type Answer,
  type Digest,
  type EndReason,
  encodeJson,
  FileProtocolError,
  messagesOf,
  parseAnswer
} from './protocol.ts'
import type { Source } from './storage.ts'
import type { Transfer } from './transfer.ts'

/** The other side does not want the file, or not any more. */
export class RefusedError extends Error {
  override name = 'RefusedError'

  constructor(readonly reason: EndReason) {
    super(reason)
  }
}

/** The file cannot be read any more. */
export class UnreadableError extends Error {
  override name = 'UnreadableError'
}

/**
 * The rest of a file over one stream. Resolves when the receiver has told its digest: not before is it there.
 *
 * @throws {RefusedError} {@link UnreadableError} {@link FileProtocolError} final; anything else is the stream's end
 */
export async function sendRest(stream: Stream, transfer: Transfer, source: Source): Promise<void> {
  const { id, name, sizeBytes } = transfer
  const messages = messagesOf(stream)
  await messages.write(encodeJson({ type: 'offer', id, name, sizeBytes }))
  transfer.become({ status: 'offered' })
  const { offsetBytes } = await accepted(messages, sizeBytes)
  transfer.progress(offsetBytes)
  transfer.become({ status: 'running' })
  const sent = sendFrom(stream, source, offsetBytes, (sentBytes) => {
    transfer.sentBytes = sentBytes
  })
  // Whatever ends one of the two ends the stream, and with it the other.
  const theirs = digestOfReceiver(messages, transfer)
  const [ours, { sha256 }] = await Promise.all([sent, theirs]).catch((err) => {
    stream.abort(err)
    throw err
  })
  transfer.progress(sizeBytes)
  transfer.become({ status: 'done', digests: { ours, theirs: sha256 } })
}

async function accepted(messages: LengthPrefixedStream, sizeBytes: number): Promise<Accepted> {
  const answer = await read(messages, sizeBytes)
  if (answer.type !== 'accepted') throw new FileProtocolError('The other side answered out of turn')
  return answer
}

/** Resolves with the digest of the whole file. */
async function sendFrom(
  stream: Stream,
  source: Source,
  offsetBytes: number,
  onSent: (bytes: number) => void
): Promise<string> {
  const { sizeBytes } = source
  const readAt = (at: number): Promise<Uint8Array> | undefined => {
    if (at >= sizeBytes) return undefined
    const slice = source.read(at, Math.min(sizeBytes, at + sliceBytes))
    // It may fail while the one before is still being sent: whoever awaits it hears of that.
    slice.catch(() => {})
    return slice
  }
  let next = readAt(offsetBytes)
  for (let at = offsetBytes; next != null; at += sliceBytes) {
    const bytes = await readable(next)
    next = readAt(at + sliceBytes)
    onSent(at + bytes.byteLength)
    // False: the link holds all it may of what the receiver has not taken yet. Reading on would fill memory.
    if (!stream.send(bytes)) await stream.onDrain()
  }
  const sha256 = await readable(source.digest())
  stream.send(encodeJson({ type: 'digest', sha256, sizeBytes }))
  await stream.close()
  return sha256
}

async function readable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (err) {
    throw new UnreadableError(err instanceof Error ? err.message : String(err), { cause: err })
  }
}

async function digestOfReceiver(messages: LengthPrefixedStream, transfer: Transfer): Promise<Digest> {
  for (;;) {
    const answer = await read(messages, transfer.sizeBytes)
    if (answer.type === 'digest') {
      if (answer.sizeBytes === transfer.sizeBytes) return answer
      throw new FileProtocolError(`The other side stored ${answer.sizeBytes} of ${transfer.sizeBytes} bytes`)
    }
    if (answer.type !== 'stored') throw new FileProtocolError('The other side answered out of turn')
    transfer.progress(answer.storedBytes)
  }
}

async function read(messages: LengthPrefixedStream, sizeBytes: number): Promise<Exclude<Answer, { type: 'end' }>> {
  const answer = parseAnswer((await messages.read()).subarray(), sizeBytes)
  if (answer.type === 'end') throw new RefusedError(answer.reason)
  return answer
}
