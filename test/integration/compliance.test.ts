// libp2p's own suite for stream muxers, on the session: over one path, and with the path cut off again and again.
import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import streamMuxerSuite from '@libp2p/interface-compliance-tests/stream-muxer'
import { defaultLogger } from '@libp2p/logger'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SessionDriver, type SessionHandler } from '../../src/node/session-driver.ts'
import { type CarrierConnection, type CarrierStream, SessionPath } from '../../src/path/index.ts'
import { DEFAULT_SESSION_CONFIG, Session } from '../../src/session/index.ts'
import { withMochaGlobals } from '../support/mocha.ts'
import { ReplacedPaths } from '../support/replaced-paths.ts'

const log = defaultLogger().forComponent('holdfast:compliance')

const windows = {
  peerStreamWindow: DEFAULT_SESSION_CONFIG.streamWindow,
  peerSessionWindow: DEFAULT_SESSION_CONFIG.sessionWindow
}

function createDriver(maConn: MessageStream, handler: Partial<SessionHandler> = {}): SessionDriver {
  const side = maConn.direction === 'outbound' ? 0 : 1
  const session = new Session({ side, config: DEFAULT_SESSION_CONFIG, now: performance.now() })
  const ignore = (): void => {}
  return new SessionDriver({
    session,
    log,
    handler: {
      onPathSuspect: ignore,
      onPathRestored: ignore,
      onPong: ignore,
      onGoaway: ignore,
      onBudgetLow: ignore,
      onRenewAsked: ignore,
      onPathDrained: ignore,
      onPeerClosed: ignore,
      onClosed: ignore,
      ...handler
    }
  })
}

/** The given connection itself is the carrier. */
function overOnePath(): StreamMuxerFactory {
  return {
    protocol: '/holdfast/session/1.0.0',
    createStreamMuxer(maConn: MessageStream): StreamMuxer {
      const driver = createDriver(maConn)
      const muxer = driver.muxerFactory.createStreamMuxer(maConn)
      const carrier = maConn as unknown as CarrierStream & CarrierConnection
      driver.attachPath(0, new SessionPath({ stream: carrier, connection: carrier, handler: driver }), windows)
      return muxer
    }
  }
}

describe('over one path', () => {
  withMochaGlobals(() => streamMuxerSuite({ setup: async () => overOnePath(), teardown: async () => {} }))
})

describe('with the path replaced under every test', () => {
  const paths = new ReplacedPaths()
  const untouched: string[] = []

  beforeEach(() => paths.startTest())

  afterEach(({ task }) => {
    if (paths.endTest() === 0) untouched.push(task.name)
  })

  withMochaGlobals(() =>
    streamMuxerSuite({
      setup: async () => ({
        protocol: '/holdfast/session/1.0.0',
        createStreamMuxer(maConn: MessageStream): StreamMuxer {
          return paths.join(maConn, (handler) => createDriver(maConn, handler), windows)
        }
      }),
      teardown: async () => {}
    })
  )

  it('has really replaced paths, and replayed bytes', () => {
    // No stream is open in these.
    expect(untouched.sort()).toEqual([
      'calling newStream after close throws an error',
      'should be closed after closing',
      'should be closing during closing',
      'should be open',
      'should have a protocol'
    ])
    expect(paths.replacements).toBeGreaterThan(0)
    expect(paths.replayedBytes).toBeGreaterThan(0)
  })

  afterAll(() => {
    const { replacements, replayedBytes, payloadBytes } = paths
    console.log(`${replacements} paths replaced; of ${payloadBytes} payload bytes sent ${replayedBytes} were replayed`)
  })
})
