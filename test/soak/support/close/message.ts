// One message of a trial: it says who it is, how long it is, and how long the answer shall be. Its bytes are checked one by one.
import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { randomBytes } from '../../../support/transfer.ts'

const HEADER_BYTES = 12

/** Above anything a delivery takes on a busy machine; what is not there then is lost. */
const READ_TIMEOUT_MS = 10_000

export interface Message {
  readonly id: number
  readonly answerBytes: number
}

export function encodeMessage(id: number, payloadBytes: number, answerBytes = 0): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payloadBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, id)
  view.setUint32(4, payloadBytes)
  view.setUint32(8, answerBytes)
  bytes.set(randomBytes(payloadBytes, id), HEADER_BYTES)
  return bytes
}

/**
 * The message on this stream, as applications read: by iterating until the stream ends, or by events until it is complete.
 *
 * @throws the stream ended before that, or the bytes are others
 */
export async function readMessage(stream: Stream, by: 'iterator' | 'events'): Promise<Message> {
  const received = new Uint8ArrayList()
  const done = by === 'iterator' ? iterate(stream, received) : listen(stream, received)
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('it did not come')), READ_TIMEOUT_MS)
  try {
    await Promise.race([done, late])
  } catch (err) {
    throw new Error(`${received.byteLength} bytes were read, then: ${(err as Error).message}`)
  } finally {
    clearTimeout(timer)
  }
  return check(received)
}

async function iterate(stream: Stream, received: Uint8ArrayList): Promise<void> {
  for await (const chunk of stream) received.append(chunk)
}

async function listen(stream: Stream, received: Uint8ArrayList): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.addEventListener('message', ({ data }) => {
    received.append(data)
    if (isComplete(received)) resolve()
  })
  stream.addEventListener('close', () => resolve())
  // Its buffer is passed on in a microtask.
  if (stream.status !== 'open') setImmediate(resolve)
  await promise
}

function isComplete(received: Uint8ArrayList): boolean {
  return received.byteLength >= HEADER_BYTES && received.byteLength >= HEADER_BYTES + received.getUint32(4)
}

function check(received: Uint8ArrayList): Message {
  if (!isComplete(received)) throw new Error(`the stream ended after ${received.byteLength} bytes`)
  const [id, payloadBytes, answerBytes] = [received.getUint32(0), received.getUint32(4), received.getUint32(8)]
  if (Buffer.compare(received.subarray(), encodeMessage(id, payloadBytes, answerBytes)) !== 0) {
    throw new Error(`message ${id} is not what was sent`)
  }
  return { id, answerBytes }
}
