// What measures inside a peer of the lab, page or Node process. It travels there as text, so it sees globals only, and all
// it knows of the peer is its libp2p node: the same code measures every contestant.
import type { Connection, Libp2p, Stream } from '@libp2p/interface'

/** Between two deliveries, each the next bytes in order; ms since the Unix epoch. */
export interface Gap {
  readonly from: number
  readonly to: number
}

/** What one end of a stream has seen. */
export interface Tally {
  readonly sentBytes: number
  /** Up to the first byte that is not the one that was sent. */
  readonly inOrderBytes: number
  /** Arrived out of order, or not as they were sent: none of it counts. */
  readonly wrongBytes: number
  /** Of 5 ms and more. */
  readonly gaps: readonly Gap[]
  readonly lastAt: number
  /** When the stream ended, and how; undefined while it is open. */
  readonly ended: { readonly at: number; readonly cause: string } | undefined
}

export interface Probe {
  /** Answers both kinds of streams. */
  serve(node: Libp2p): Promise<void>
  /** 64 bytes every 20 ms, to be sent back. */
  startEcho(connection: Connection): Promise<void>
  /** As much as the stream takes. */
  startBulk(connection: Connection): Promise<void>
  /** Nothing more is sent; resolves with the number of bytes that were. */
  stop(): number
  tally(): Tally
  /** Feeds the end that checks what arrives. */
  deliver(chunk: Uint8Array, at: number): void
  /** The next bytes that are sent. */
  content(bytes: number): Uint8Array
}

declare global {
  var probe: Probe
}

/** Defines `globalThis.probe`. */
export function installProbe(): void {
  const ECHO = '/holdfast-bench/echo/1.0.0'
  const BULK = '/holdfast-bench/bulk/1.0.0'
  const ECHO_BYTES = 64
  const ECHO_EVERY_MS = 20
  const BULK_BYTES = 16_384
  const SHORTEST_GAP_MS = 5
  const anywhere = { runOnLimitedConnection: true }

  const now = (): number => performance.timeOrigin + performance.now()

  /** Random looking bytes, the same at both ends: a byte that is lost, doubled or misplaced does not match. */
  const generator = (): ((bytes: number) => Uint8Array) => {
    let state = 0x9e3779b9
    return (bytes) => {
      const words = new Uint32Array(bytes / 4)
      for (let at = 0; at < words.length; at++) {
        state ^= state << 13
        state ^= state >>> 17
        state ^= state << 5
        words[at] = state
      }
      return new Uint8Array(words.buffer)
    }
  }

  const next = generator()
  const expected = generator()
  let block: Uint8Array = new Uint8Array(0)
  let blockAt = 0
  let sentBytes = 0
  let inOrderBytes = 0
  let wrongBytes = 0
  let lastAt = 0
  let ended: Tally['ended']
  let stopped = false
  let stopSending = (): void => {}
  const gaps: Gap[] = []

  const deliver = (chunk: Uint8Array, at: number): void => {
    let right = 0
    for (; wrongBytes === 0 && right < chunk.byteLength; right++) {
      if (blockAt === block.byteLength) {
        block = expected(BULK_BYTES)
        blockAt = 0
      }
      if (chunk[right] !== block[blockAt]) break
      blockAt++
    }
    inOrderBytes += right
    wrongBytes += chunk.byteLength - right
    if (right === 0) return
    if (lastAt > 0 && at - lastAt >= SHORTEST_GAP_MS) gaps.push({ from: lastAt, to: at })
    lastAt = at
  }

  const watch = (stream: Stream): void => {
    stream.addEventListener('close', ({ error }) => {
      ended ??= { at: now(), cause: error?.message ?? 'closed without an error' }
      stopped = true
      stopSending()
    })
  }

  const onBytes = (stream: Stream): void => {
    stream.addEventListener('message', ({ data }) => deliver(data.subarray(), now()))
  }

  const send = (stream: Stream, bytes: number): boolean => {
    const more = stream.send(next(bytes))
    sentBytes += bytes
    return more
  }

  globalThis.probe = {
    content: next,
    deliver,
    async serve(node) {
      const echo = (stream: Stream): void => {
        watch(stream)
        stream.addEventListener('message', ({ data }) => void stream.send(data))
      }
      const bulk = (stream: Stream): void => {
        watch(stream)
        onBytes(stream)
      }
      await node.handle(ECHO, echo, anywhere)
      await node.handle(BULK, bulk, anywhere)
    },
    async startEcho(connection) {
      const stream = await connection.newStream(ECHO, anywhere)
      watch(stream)
      onBytes(stream)
      const timer = setInterval(() => send(stream, ECHO_BYTES), ECHO_EVERY_MS)
      stopSending = () => clearInterval(timer)
    },
    async startBulk(connection) {
      const stream = await connection.newStream(BULK, anywhere)
      watch(stream)
      const pump = (): void => {
        while (!stopped && stream.writeStatus === 'writable' && !stream.writableNeedsDrain) {
          if (!send(stream, BULK_BYTES)) return
        }
      }
      // Not by `onDrain()`: stock streams resolve it at once from the second time on.
      stream.addEventListener('drain', () => queueMicrotask(pump))
      pump()
    },
    stop() {
      stopped = true
      stopSending()
      return sentBytes
    },
    tally: () => ({ sentBytes, inOrderBytes, wrongBytes, gaps, lastAt, ended })
  }
}
