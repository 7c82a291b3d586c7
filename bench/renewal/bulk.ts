// What both contestants' peers have in common: one stream each way at most, hashed at both ends, and when its bytes came.
import { createHash } from 'node:crypto'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { randomBytes, sendAll, sha256 } from '../../test/support/transfer.ts'

const BULK = '/bench/bulk/1.0.0'
const PIECE_BYTES = 16_384
const anywhere = { runOnLimitedConnection: true }

export interface Setup {
  readonly do: 'setUp'
  readonly relay: string
}

/** Resolves when there is a link, or a connection. */
export interface Dial {
  readonly do: 'dial'
  readonly peerId: string
  readonly addresses: string[]
}

/** Resolves when the other one's dial has arrived. */
export interface Join {
  readonly do: 'join'
  readonly peerId: string
}

/** Begins to send, and resolves at once. */
export interface Send {
  readonly do: 'send'
  readonly peerId: string
  readonly bytes: number
}

export interface Ask {
  readonly do: 'tally'
}

export interface Gap {
  /** Since the first byte. */
  readonly atMs: number
  readonly ms: number
}

export interface Sending {
  /** What `send()` took. */
  readonly takenBytes: number
  /** Of all that was to be sent. */
  readonly hash: string
  /** - `open`: not yet over  - `closed`: the stream took all of it and was closed  - or what went wrong */
  readonly status: string
}

export interface Receiving {
  readonly bytes: number
  /** Of what came, once the stream has ended. */
  readonly hash?: string
  /** From the first byte to the last. */
  readonly ms: number
  /** How long ago the last byte came. */
  readonly quietMs: number
  /** The longest times between two deliveries, longest first. */
  readonly gaps: readonly Gap[]
}

export interface PathSeen {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly what: string
}

export interface Tally {
  readonly sending?: Sending
  readonly receiving?: Receiving
  /** Relayed paths there were so far. */
  readonly circuits: number
  readonly seen: readonly PathSeen[]
}

const GAPS_KEPT = 10
const LOOK_EVERY_MS = 5

export async function whenThere(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
}

export class Bulk {
  #sending: { takenBytes: number; hash: string; status: string } | undefined
  #receiving: { bytes: number; hash?: string; firstAt: number; lastAt: number; gaps: Gap[] } | undefined

  async serve(node: Libp2p): Promise<void> {
    await node.handle(BULK, (stream) => this.#receive(stream), anywhere)
  }

  async send(connection: Connection, bytes: number): Promise<void> {
    const data = randomBytes(bytes, bytes + 1)
    const sending = { takenBytes: 0, hash: sha256(data), status: 'open' }
    this.#sending = sending
    const stream = await connection.newStream(BULK, anywhere)
    const onSent = (sent: number): void => {
      sending.takenBytes = sent
    }
    // Not awaited: the parent asks how far it is.
    void sendAll(stream, data, { pieceBytes: PIECE_BYTES, onSent })
      .then(() => stream.close())
      .then(
        () => {
          sending.status = 'closed'
        },
        (err: Error) => {
          sending.status = `${err.name}: ${err.message}`
        }
      )
  }

  get tally(): Pick<Tally, 'sending' | 'receiving'> {
    const receiving = this.#receiving
    return {
      sending: this.#sending,
      receiving:
        receiving == null
          ? undefined
          : {
              bytes: receiving.bytes,
              hash: receiving.hash,
              ms: receiving.lastAt - receiving.firstAt,
              quietMs: performance.now() - receiving.lastAt,
              gaps: receiving.gaps
            }
    }
  }

  #receive(stream: Stream): void {
    const hash = createHash('sha256')
    stream.addEventListener('message', ({ data }) => {
      const now = performance.now()
      this.#receiving ??= { bytes: 0, firstAt: now, lastAt: now, gaps: [] }
      const receiving = this.#receiving
      receiving.gaps.push({ atMs: receiving.lastAt - receiving.firstAt, ms: now - receiving.lastAt })
      receiving.gaps.sort((one, other) => other.ms - one.ms)
      receiving.gaps.length = Math.min(receiving.gaps.length, GAPS_KEPT)
      receiving.lastAt = now
      receiving.bytes += data.byteLength
      hash.update(data.subarray())
    })
    const ended = (): void => {
      if (this.#receiving != null) this.#receiving.hash ??= hash.digest('hex')
    }
    stream.addEventListener('remoteCloseWrite', () => {
      ended()
      void stream.close().catch(() => {})
    })
    stream.addEventListener('close', ended)
  }
}
