// Bytes through streams, counted and hashed at both ends.
import { createHash } from 'node:crypto'
import type { Libp2p, Stream } from '@libp2p/interface'
import { pEvent } from 'p-event'
import { within } from './wait-for.ts'

export const SINK = '/test/sink/1.0.0'
export const ECHO = '/test/echo/1.0.0'

/** Pseudo-random bytes: a repeated or swapped piece changes the hash. */
export function randomBytes(length: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  let x = (seed * 2_654_435_761) >>> 0 || 1
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13
    x >>>= 0
    x ^= x >>> 17
    x ^= x << 5
    x >>>= 0
    words[i] = x
  }
  return new Uint8Array(words.buffer, 0, length)
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** In pieces, waiting for the stream when it is full. `onSent` hears how far it is. */
export async function sendAll(
  stream: Stream,
  bytes: Uint8Array,
  { pieceBytes = 65_536, onSent }: { pieceBytes?: number; onSent?: (sent: number) => void } = {}
): Promise<void> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    const more = stream.send(bytes.subarray(at, Math.min(bytes.byteLength, at + pieceBytes)))
    onSent?.(Math.min(bytes.byteLength, at + pieceBytes))
    if (!more) await drained(stream)
  }
}

/** Not by `onDrain()`: stock streams resolve it at once from the second time on. */
async function drained(stream: Stream): Promise<void> {
  try {
    await pEvent(stream, 'drain', { rejectionEvents: ['close'] })
  } catch (err) {
    throw err instanceof Error ? err : ((err as { error?: Error }).error ?? new Error('the stream closed'))
  }
}

export interface Received {
  readonly bytes: number
  readonly hash: string
  /** The stream ended with it. */
  readonly error?: Error
}

/** Everything until the stream ends, however it ends. */
export async function receiveAll(stream: Stream, onBytes?: (bytes: number) => void): Promise<Received> {
  const hash = createHash('sha256')
  let bytes = 0
  let error: Error | undefined
  try {
    for await (const chunk of stream) {
      const data = chunk.subarray()
      hash.update(data)
      bytes += data.byteLength
      onBytes?.(bytes)
    }
  } catch (err) {
    error = err as Error
  }
  return { bytes, hash: hash.digest('hex'), error }
}

export interface Sink {
  /** One per stream, in the order they were opened. */
  readonly streams: Array<Promise<Received>>
  /** Bytes over all streams. */
  readonly bytes: number
  /** The result of the n-th stream, also before it opens. */
  result(index: number): Promise<Received>
}

/** A node that swallows and hashes what comes. */
export async function sink(node: Libp2p, protocol = SINK): Promise<Sink> {
  const streams: Array<Promise<Received>> = []
  const waiting = new Map<number, PromiseWithResolvers<Received>>()
  let bytes = 0
  await node.handle(protocol, (stream) => {
    let before = 0
    const received = receiveAll(stream, (now) => {
      bytes += now - before
      before = now
    })
    waiting.get(streams.length)?.resolve(received)
    streams.push(received)
    void received.then(() => stream.close().catch(() => {}))
  })
  return {
    streams,
    get bytes() {
      return bytes
    },
    result(index) {
      const there = streams[index]
      if (there != null) return within(30_000, `the end of stream ${index} at the sink`, there)
      const later = waiting.get(index) ?? Promise.withResolvers<Received>()
      waiting.set(index, later)
      return within(30_000, `stream ${index} at the sink`, later.promise)
    }
  }
}

/** A node that sends back what comes. */
export async function echo(node: Libp2p, options?: { runOnLimitedConnection?: boolean }): Promise<void> {
  await node.handle(
    ECHO,
    (stream) => {
      stream.addEventListener('message', ({ data }) => stream.send(data))
      stream.addEventListener('remoteCloseWrite', () => void stream.close().catch(() => {}))
    },
    options
  )
}

/** Sends a text over an echo stream and waits until all of it came back. */
export async function roundTrip(stream: Stream, text: string, timeoutMs = 20_000): Promise<string> {
  const expected = new TextEncoder().encode(text).byteLength
  let got = ''
  let bytes = 0
  const decoder = new TextDecoder()
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const onMessage = ({ data }: { data: { byteLength: number; subarray(): Uint8Array } }): void => {
    bytes += data.byteLength
    got += decoder.decode(data.subarray(), { stream: true })
    if (bytes >= expected) resolve(got)
  }
  const timer = setTimeout(
    () => reject(new Error(`${bytes} of ${expected} bytes came back in ${timeoutMs} ms`)),
    timeoutMs
  )
  const onClose = ({ error }: { error?: Error }): void => reject(error ?? new Error('the stream closed'))
  stream.addEventListener('message', onMessage)
  stream.addEventListener('close', onClose)
  try {
    stream.send(new TextEncoder().encode(text))
    return await promise
  } finally {
    clearTimeout(timer)
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('close', onClose)
  }
}
