// Started as a process of its own: peers that send, answer and close, as they are told by messages of the parent process.
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import type { Libp2p } from '@libp2p/interface'
import { encodeMessage, readMessage } from './message.ts'
import { addressOf, cutRelayed, dial, type PeerSetup, type Session, sessionOf, startPeer } from './nodes.ts'

const MESSAGE = '/test/message/1.0.0'
const ASK = '/test/ask/1.0.0'
const LEAST_BYTES = 1_024
const MOST_BYTES = 65_536

/** Who closes at once, and what: `send` the sender of a message, `answer` whoever answered a question. */
export interface Shape {
  readonly closes: 'send' | 'answer'
  /** The node as a whole is stopped, instead of the link or connection being closed. */
  readonly stops?: boolean
  /** Before that, all paths but the direct one are cut. */
  readonly onlyDirect?: boolean
  /** The receiving process is busy for so long meanwhile: it finds the bytes and the end of what carried them together. */
  readonly busyMs?: number
  /** The receiving application begins to read so much later. */
  readonly lateMs?: number
}

export type Command =
  | { readonly type: 'listen'; readonly setup: PeerSetup; readonly shape: Shape; readonly count: number }
  | {
      readonly type: 'run'
      readonly setup: PeerSetup
      readonly shape: Shape
      /** Dialled in turn; with `stops` the answering ones are used once each. */
      readonly addresses: readonly string[]
      readonly firstId: number
      readonly trials: number
      /** Nodes that dial, each one after the other. */
      readonly diallers: number
    }
  | { readonly type: 'stop' }

export type Report =
  | { readonly type: 'listening'; readonly addresses: string[] }
  | { readonly type: 'received'; readonly id: number }
  /** What closing came to. */
  | { readonly type: 'closed'; readonly id: number; readonly ms: number; readonly error?: string }
  | { readonly type: 'failed'; readonly id: number; readonly error: string }
  /** A message that was not read to its end: whose it was is not known. */
  | { readonly type: 'unread'; readonly error: string }
  | { readonly type: 'ran' }
  | { readonly type: 'stopped' }

const nodes = new Set<Libp2p>()
let readers = 0

function report(message: Report): void {
  process.send!(message)
}

/** Applications do either. */
function reader(): 'iterator' | 'events' {
  return readers++ % 2 === 0 ? 'iterator' : 'events'
}

async function start(setup: PeerSetup, isListening: boolean): Promise<Libp2p> {
  const node = await startPeer(setup, isListening)
  nodes.add(node)
  return node
}

async function stop(node: Libp2p): Promise<void> {
  nodes.delete(node)
  await node.stop()
}

async function listen({ setup, shape, count }: Extract<Command, { type: 'listen' }>): Promise<void> {
  const addresses = await Promise.all(
    Array.from({ length: count }, async () => {
      const node = await start(setup, true)
      await serve(node, shape)
      return addressOf(node, setup)
    })
  )
  report({ type: 'listening', addresses })
}

async function serve(node: Libp2p, shape: Shape): Promise<void> {
  const options = { runOnLimitedConnection: true, maxInboundStreams: 1_000 }
  await node.handle(
    MESSAGE,
    async (stream) => {
      beBusy(shape)
      await beLate(shape)
      try {
        const { id } = await readMessage(stream, reader())
        report({ type: 'received', id })
      } catch (err) {
        report({ type: 'unread', error: String(err) })
      }
    },
    options
  )
  await node.handle(
    ASK,
    async (stream, connection) => {
      const { id, answerBytes } = await readMessage(stream, 'events')
      const session = sessionOf(node, connection)
      if (shape.onlyDirect === true) cutRelayed(node, session)
      stream.send(encodeMessage(id, answerBytes))
      stream.close().catch(() => {})
      await closing(id, () => close(node, session, shape))
    },
    options
  )
}

function close(node: Libp2p, session: Session, shape: Shape): Promise<void> {
  return shape.stops === true ? stop(node) : session.close()
}

async function closing(id: number, close: () => Promise<void>): Promise<void> {
  const from = performance.now()
  const ms = (): number => performance.now() - from
  await close().then(
    () => report({ type: 'closed', id, ms: ms() }),
    (err) => report({ type: 'closed', id, ms: ms(), error: String(err) })
  )
}

async function run(command: Extract<Command, { type: 'run' }>): Promise<void> {
  const { setup, shape, firstId, trials, diallers } = command
  let next = 0
  const dialOneAfterTheOther = async (): Promise<void> => {
    let node = await start(setup, false)
    while (next < trials) {
      const index = next++
      const id = firstId + index
      const address = command.addresses[index % command.addresses.length]!
      try {
        await trial(node, setup, shape, address, id)
      } catch (err) {
        report({ type: 'failed', id, error: String(err) })
      }
      if (!nodes.has(node) && next < trials) node = await start(setup, false)
    }
    if (nodes.has(node)) await stop(node)
  }
  await Promise.all(Array.from({ length: diallers }, dialOneAfterTheOther))
  report({ type: 'ran' })
}

async function trial(node: Libp2p, setup: PeerSetup, shape: Shape, address: string, id: number): Promise<void> {
  const session = await dial(node, setup, address)
  const options = { runOnLimitedConnection: true }
  if (shape.closes === 'send') {
    const stream = await session.connection.newStream(MESSAGE, options)
    if (shape.onlyDirect === true) cutRelayed(node, session)
    stream.send(encodeMessage(id, someBytes()))
    stream.close().catch(() => {})
    await closing(id, () => close(node, session, shape))
    return
  }
  const stream = await session.connection.newStream(ASK, options)
  stream.send(encodeMessage(id, 16, someBytes()))
  // The question leaves first.
  await immediate()
  beBusy(shape)
  await beLate(shape)
  const answer = await readMessage(stream, reader())
  if (answer.id !== id) throw new Error(`answer ${answer.id} came to question ${id}`)
  report({ type: 'received', id })
  await session.close().catch(() => {})
}

function beBusy({ busyMs = 0 }: Shape): void {
  const until = performance.now() + busyMs
  while (performance.now() < until);
}

async function beLate({ lateMs }: Shape): Promise<void> {
  if (lateMs != null) await sleep(lateMs)
}

function someBytes(): number {
  return LEAST_BYTES + Math.floor(Math.random() * (MOST_BYTES - LEAST_BYTES))
}

process.on('message', async (command: Command) => {
  if (command.type === 'listen') await listen(command)
  else if (command.type === 'run') await run(command)
  else {
    await Promise.all([...nodes].map(stop))
    report({ type: 'stopped' })
  }
})
process.on('disconnect', () => process.exit())
