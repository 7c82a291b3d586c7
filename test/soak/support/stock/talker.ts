// A peer with js-libp2p alone that talks: an echo and bulk, and an application that dials again when it is cut off.
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { serveParent } from '../parent.ts'
import { anywhere, contactOf, dialStock, type StockContact, type StockInit, type StockWay, startStock } from './node.ts'

const ECHO = '/holdfast-soak/echo/1.0.0'
const BULK = '/holdfast-soak/bulk/1.0.0'
const ECHO_BYTES = 64
const BULK_BYTES = 16_384
const REDIAL_EVERY_MS = 1_000
/** Of an attempt to dial, or to open a stream. */
const ATTEMPT_TIMEOUT_MS = 10_000

/** Times in ms since the Unix epoch. */
export interface StockTalk {
  /** When it began to talk. */
  readonly began: number
  /** Of each echo; those without an answer count with how long their stream let them wait. */
  readonly rttsMs: readonly number[]
  readonly unanswered: number
  /** By how many bytes `send()` of the bulk stream took, and how many of the peer's arrived here. */
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Streams that ended: which, and by what. */
  readonly ended: ReadonlyArray<{ readonly at: number; readonly what: string }>
  /** Connections to the peer that closed. */
  readonly closed: ReadonlyArray<{ readonly at: number; readonly address: string }>
}

let node: Libp2p
let stopped = false
let echo: { readonly stream: Stream; readonly timer: ReturnType<typeof setInterval> } | undefined
let echoes = 0
const rttsMs: number[] = []
const answers: Array<{ readonly at: number; readonly echo: number }> = []
let asked: number[] = []
let began = 0
const waitedMs: number[] = []
let sentBytes = 0
let receivedBytes = 0
const ended: Array<{ at: number; what: string }> = []
const closed: Array<{ at: number; address: string }> = []

function watch(stream: Stream, name: string): void {
  stream.addEventListener('close', ({ error }) => {
    if (!stopped) ended.push({ at: Date.now(), what: `${name}: ${error?.name ?? 'closed without an error'}` })
  })
}

async function startEcho(connection: Connection, everyMs: number): Promise<void> {
  const stream = await connection.newStream(ECHO, { ...anywhere, signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS) })
  const number = ++echoes
  watch(stream, `echo ${number}`)
  asked = []
  let bytes = 0
  stream.addEventListener('message', ({ data }) => {
    bytes += data.byteLength
    for (; bytes >= ECHO_BYTES; bytes -= ECHO_BYTES) {
      rttsMs.push(performance.now() - asked.shift()!)
      answers.push({ at: Date.now(), echo: number })
    }
  })
  const timer = setInterval(() => {
    if (stream.writeStatus !== 'writable') return
    asked.push(performance.now())
    stream.send(new Uint8Array(ECHO_BYTES))
  }, everyMs)
  stream.addEventListener('close', () => {
    clearInterval(timer)
    waitedMs.push(...asked.splice(0).map((at) => performance.now() - at))
  })
  echo = { stream, timer }
}

async function startBulk(connection: Connection): Promise<void> {
  const stream = await connection.newStream(BULK, anywhere)
  watch(stream, 'bulk')
  const pump = (): void => {
    while (!stopped && stream.writeStatus === 'writable' && !stream.writableNeedsDrain) {
      sentBytes += BULK_BYTES
      if (!stream.send(new Uint8Array(BULK_BYTES))) return
    }
  }
  stream.addEventListener('drain', () => queueMicrotask(pump))
  pump()
}

async function connected({ peerId, addresses }: StockContact): Promise<Connection> {
  const open = node.getConnections(peerIdFromString(peerId)).find(({ status }) => status === 'open')
  const signal = AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)
  return (
    open ??
    node.dial(
      addresses.map((address) => multiaddr(address)),
      { signal }
    )
  )
}

async function start(init: StockInit): Promise<StockContact> {
  node = await startStock(init)
  const relayIds = new Set(init.relays.map((relay) => relay.split('/p2p/').at(-1)))
  node.addEventListener('connection:close', ({ detail }) => {
    if (stopped || relayIds.has(detail.remotePeer.toString())) return
    closed.push({ at: Date.now(), address: detail.remoteAddr.toString() })
  })
  await node.handle(
    ECHO,
    (stream) => {
      watch(stream, 'echo of the peer')
      stream.addEventListener('message', ({ data }) => void stream.send(data))
    },
    anywhere
  )
  await node.handle(
    BULK,
    (stream) => {
      watch(stream, 'bulk of the peer')
      stream.addEventListener('message', ({ data }) => {
        receivedBytes += data.byteLength
      })
    },
    anywhere
  )
  return contactOf(node)
}

const commands = {
  start,

  async talk(how: { to: StockContact; way: StockWay; everyMs: number; bulk: boolean }): Promise<void> {
    const connection = await dialStock(node, how.to, how.way)
    began = Date.now()
    await startEcho(connection, how.everyMs)
    if (how.bulk) await startBulk(connection)
  },

  /** As an application does that wants to be connected: looks every second, dials, and goes on with a new stream if it talks. */
  async keepConnected({ to, everyMs }: { to: StockContact; everyMs?: number }): Promise<void> {
    let isTrying = false
    setInterval(async () => {
      if (isTrying || stopped || echo?.stream.status === 'open') return
      isTrying = true
      try {
        const connection = await connected(to)
        if (everyMs != null) await startEcho(connection, everyMs)
      } catch {
        // The next attempt comes in a second.
      } finally {
        isTrying = false
      }
    }, REDIAL_EVERY_MS)
  },

  /** The first answer after that, and to which of the echo streams, counted from 1. */
  async answerAfter(at: number): Promise<{ at: number; echo: number } | undefined> {
    return answers.find((answer) => answer.at >= at)
  },

  async stall(ms: number): Promise<void> {
    const until = performance.now() + ms
    while (performance.now() < until);
  },

  /** Nothing more is sent, and what ends from now on is not told of. */
  async hush(): Promise<void> {
    stopped = true
    clearInterval(echo?.timer)
  },

  async told(): Promise<StockTalk> {
    const waiting = [...waitedMs, ...asked.map((at) => performance.now() - at)]
    return {
      began,
      rttsMs: [...rttsMs, ...waiting],
      unanswered: waiting.length,
      sentBytes,
      receivedBytes,
      ended,
      closed
    }
  }
}

export type StockTalkerCommands = typeof commands

serveParent(commands)
process.on('disconnect', () => process.exit())
