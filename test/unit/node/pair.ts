// Two sessions with their drivers and muxers in this process, over carriers in memory.
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { LinkHandle } from '../../../src/node/handle.ts'
import type { SessionMuxer } from '../../../src/node/muxer.ts'
import { SessionDriver } from '../../../src/node/session-driver.ts'
import type { SessionStream } from '../../../src/node/stream.ts'
import { SessionPath } from '../../../src/path/index.ts'
import { DEFAULT_SESSION_CONFIG, Session, type SessionConfig } from '../../../src/session/index.ts'
import { type MemoryCarrier, type MemoryCarrierInit, memoryCarrier } from '../../support/memory-carrier.ts'

const log = defaultLogger().forComponent('holdfast:test')

export interface Side {
  readonly driver: SessionDriver
  readonly muxer: SessionMuxer
  readonly handle: LinkHandle
  readonly events: string[]
  /** Streams the peer opened, in order. */
  readonly accepted: SessionStream[]
}

export interface Pair {
  readonly a: Side
  readonly b: Side
  attach(init?: MemoryCarrierInit): MemoryCarrier
  /** A stream of a's, and what b sees of it. */
  open(): Promise<[SessionStream, SessionStream]>
}

export interface PairInit {
  readonly config?: Partial<SessionConfig>
  /** b does not listen for streams. */
  readonly deaf?: boolean
  /** b has no muxer before its `muxer` is asked for. */
  readonly late?: boolean
}

export function createPair({ config = {}, deaf = false, late = false }: PairInit = {}): Pair {
  const full = { ...DEFAULT_SESSION_CONFIG, ...config }
  const a = createSide(0, full)
  const b = createSide(1, full)
  const accepting = late ? undefined : b.muxer
  if (!deaf) accepting?.addEventListener('stream', ({ detail }) => b.accepted.push(detail))
  const windows = { peerStreamWindow: full.streamWindow, peerSessionWindow: full.sessionWindow }
  let paths = 0
  return {
    a,
    b,
    attach(init) {
      const carrier = memoryCarrier(init)
      const id = paths++
      a.driver.attachPath(id, new SessionPath({ ...carrier.dialler, handler: a.driver }), windows)
      b.driver.attachPath(id, new SessionPath({ ...carrier.listener, handler: b.driver }), windows)
      return carrier
    },
    async open() {
      const stream = await a.muxer.createStream()
      await until(() => b.accepted.some(({ number }) => number === stream.number))
      return [stream, b.accepted.find(({ number }) => number === stream.number)!]
    }
  }
}

function createSide(side: 0 | 1, config: SessionConfig): Side {
  const events: string[] = []
  const session = new Session({ side, config, now: performance.now() })
  const driver = new SessionDriver({
    session,
    log,
    handler: {
      onPathSuspect: (path, by) => events.push(`suspect ${path} ${by}`),
      onPathRestored: (path) => events.push(`restored ${path}`),
      onPong: (path) => events.push(`pong ${path}`),
      onGoaway: (path, reason) => events.push(`goaway ${path} ${reason}`),
      onBudgetLow: (path) => events.push(`low ${path}`),
      onRenewAsked: (path) => events.push(`asked ${path}`),
      onPathDrained: (path) => events.push(`drained ${path}`),
      onPeerClosed: (code) => events.push(`peerClosed ${code}`),
      onClosed: (error) => events.push(`closed ${error?.message ?? ''}`.trim())
    }
  })
  const handle = new LinkHandle({
    remoteAddr: multiaddr('/p2p/12D3KooWBhV9dp6FDvgaEphWMsxf6Un2PAUbWBNWBHnHmQ7hX3nZ'),
    direction: side === 0 ? 'outbound' : 'inbound',
    log,
    owner: { closeHandle: async () => {}, abortHandle: (error) => driver.abort(error) }
  })
  let muxer: SessionMuxer | undefined
  return {
    driver,
    handle,
    events,
    accepted: [],
    get muxer() {
      muxer ??= driver.muxerFactory.createStreamMuxer(handle) as SessionMuxer
      return muxer
    }
  }
}

/** Rounds of the event loop until it holds; memory carriers need a few per message. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200_000; i++) {
    if (condition()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error(`never: ${condition}`)
}

/** Enough rounds for whatever is on its way. */
export async function turns(count = 50): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}
