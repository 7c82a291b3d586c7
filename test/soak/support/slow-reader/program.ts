// Started by slow-reader.test.ts as a process of its own, once to write and once to read.
import { createHash } from 'node:crypto'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { ECHO, echo, randomBytes, SINK, sendAll } from '../../../support/transfer.ts'
import { serve } from './calls.ts'
import { receivingBytes, sendingBytes } from './counts.ts'
import { type Echoes, type EchoTimes, echoEvery50Ms } from './echoes.ts'
import { highest, type Memory, memory } from './memory.ts'
import { connect, type NodeInit, type Reachable, reachable, startNode } from './node.ts'
import { type Manner, type Outcome, Reading } from './reading.ts'

const PIECE_BYTES = 65_536
/** Pieces are cut out of this at changing offsets: what is repeated, lost or swapped changes the hash. */
const SOURCE_BYTES = 4 * 1_048_576 - 3
const STEP = 7

let init: NodeInit
let node: Libp2p
let connection: Connection
let echoes: Echoes
let reading = Promise.withResolvers<Reading>()
let sending: { readonly stream: Stream; readonly outcome: Promise<Outcome> } | undefined

/** Of the bulk stream that is open now; without one, of the sessions. */
let heldBytes = (): number => sendingBytes()
const mostHeld = highest(() => heldBytes())

const peer = {
  async start(options: NodeInit): Promise<Reachable> {
    init = options
    node = await startNode(options)
    return reachable(node)
  },

  memory: (): Promise<Memory> => memory(),

  /** The most bytes held so far. */
  async heldBytes(): Promise<number> {
    return mostHeld.value
  },

  // To read

  async read(manner: Manner, pauseAtBytes: number): Promise<void> {
    const options = { runOnLimitedConnection: true }
    await node.unhandle([ECHO, SINK])
    reading = Promise.withResolvers()
    await echo(node, options)
    await node.handle(
      SINK,
      (stream) => {
        const now = new Reading(stream, manner, pauseAtBytes)
        heldBytes = () => sendingBytes() + receivingBytes(stream, now.takenBytes)
        reading.resolve(now)
      },
      options
    )
  },

  async paused(): Promise<void> {
    await (await reading.promise).paused
  },

  async resume(): Promise<void> {
    ;(await reading.promise).resume()
  },

  async received(): Promise<Outcome> {
    return (await reading.promise).outcome
  },

  // To write

  async connect(to: Reachable): Promise<void> {
    connection = await connect(node, init, to)
    const stream = await connection.newStream(ECHO, { runOnLimitedConnection: true })
    echoes = echoEvery50Ms(stream)
  },

  /** Since this was last asked. */
  async echoTimes(): Promise<EchoTimes> {
    return echoes.take()
  },

  async send(bytes: number, maxMs = Number.MAX_SAFE_INTEGER): Promise<void> {
    const stream = await connection.newStream(SINK, { runOnLimitedConnection: true })
    heldBytes = () => sendingBytes(stream)
    const outcome = write(stream, bytes, performance.now() + maxMs)
    sending = { stream, outcome }
  },

  async sent(): Promise<Outcome> {
    return sending!.outcome
  }
}

export type PeerFunctions = typeof peer

async function write(stream: Stream, bytes: number, until: number): Promise<Outcome> {
  const hash = createHash('sha256')
  const source = randomBytes(SOURCE_BYTES + PIECE_BYTES)
  let sentBytes = 0
  try {
    while (sentBytes < bytes && performance.now() < until) {
      const at = (sentBytes * STEP) % SOURCE_BYTES
      const piece = source.subarray(at, at + Math.min(PIECE_BYTES, bytes - sentBytes))
      hash.update(piece)
      sentBytes += piece.byteLength
      await sendAll(stream, piece)
    }
    await stream.close({ signal: AbortSignal.timeout(60_000) })
    return { bytes: sentBytes, hash: hash.digest('hex') }
  } catch (err) {
    const { name, message } = err as Error
    return { bytes: sentBytes, hash: hash.digest('hex'), error: `${name}: ${message}` }
  }
}

serve(peer)
