// The same trials for each kind of carrier: a message followed at once by close, and an answer followed at once by close.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificateFor } from '../../../../scripts/lan/certificate.ts'
import { startRelay, type TestRelay } from '../../../support/relay.ts'
import { isFull, record } from '../soak.ts'
import type { CarrierKind, PeerSetup } from './nodes.ts'
import type { Shape } from './program.ts'
import { type Outcome, Processes } from './trials.ts'

/** Stock libp2p loses what it loses within so many. */
const STOCK_TRIALS = 100

/** A busy process reads nothing meanwhile: on loopback both the bytes and the end behind them have come by then. */
const BUSY_MS = 20

/** By then all has come and the link is closed: what was sent waits for its reader. */
const LATE_MS = 100

export interface Amounts {
  /** Trials in all, of which the sender of a message closes one half, and whoever answers the other. */
  readonly trials: number
  /** Further ones in which the whole node is stopped, each with a node of its own. */
  readonly stops: number
  /** Nodes that dial at the same time. One dials a peer 100 times in 10 s at most: then it is turned away as an attack. */
  readonly diallers: number
}

interface Case {
  readonly name: string
  readonly shape: Shape
  readonly trials: number
}

function cases(carrier: CarrierKind, { trials, stops }: Amounts): Case[] {
  const most = Math.round(trials * 0.4)
  const rest = Math.round(trials / 20)
  // Over WebRTC a link has a relayed path as well, which would make up for what the direct one loses.
  const variants =
    carrier === 'webrtc'
      ? [
          { what: ', its direct path alone', onlyDirect: true, trials: most },
          { what: '', trials: rest },
          { what: ' to a late reader', lateMs: LATE_MS, trials: rest }
        ]
      : [
          { what: '', trials: most },
          { what: ' to a busy process', busyMs: BUSY_MS, trials: rest },
          { what: ' to a late reader', lateMs: LATE_MS, trials: rest }
        ]
  return (['send', 'answer'] as const).flatMap((closes) => {
    const whose = closes === 'send' ? 'a message' : 'an answer'
    return [
      ...variants.map(({ what, trials, ...shape }) => ({
        name: `${whose}${what}, then close`,
        shape: { closes, ...shape },
        trials
      })),
      { name: `${whose}, then the node stops`, shape: { closes, stops: true }, trials: stops }
    ]
  })
}

/** Declares the tests of one kind of carrier. */
export function closeMeansDelivered(carrier: CarrierKind, amounts: Amounts): void {
  describe(`over ${carrier}, close means delivered`, () => {
    let folder: string
    let relay: TestRelay
    let processes: Processes
    let tls: PeerSetup['tls']

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'holdfast-certificate-'))
      relay = await startRelay()
      const { cert, key, path } = await certificateFor('127.0.0.1', ['127.0.0.1'], folder)
      tls = carrier === 'wss' ? { cert, key } : undefined
      processes = new Processes(path)
    })

    afterAll(async () => {
      processes?.end()
      await relay?.stop()
      await rm(folder, { recursive: true })
    })

    async function run(dialler: PeerSetup['stack'], listener: PeerSetup['stack'], one: Case): Promise<Outcome> {
      const setup = (stack: PeerSetup['stack']): PeerSetup => ({ stack, carrier, relays: relay.multiaddrs, tls })
      const { diallers } = amounts
      const outcome = await processes.run({ ...one, dialler: setup(dialler), listener: setup(listener), diallers })
      const { lost, closeErrors, ...figures } = outcome
      const peers = dialler === listener ? dialler : `${dialler} with ${listener}`
      record(`close: ${carrier}, ${peers}, ${one.name}`, { ...figures, closeErrors: closeErrors.length })
      return outcome
    }

    const all = cases(carrier, amounts)
    const others = all
      .filter(({ shape }) => shape.onlyDirect !== true)
      .map((one) => ({ ...one, trials: Math.min(one.trials, STOCK_TRIALS) }))

    it.each(all)('$name: links, $trials of $trials', async (one) => {
      const { trials, delivered, lost, closeErrors } = await run('link', 'link', one)
      expect(lost).toEqual([])
      expect(closeErrors).toEqual([])
      expect(delivered).toBe(trials)
    })

    // What stock libp2p closes itself over WebRTC does not arrive: there our side closes. And when iteration of its streams
    // begins after their end, it gets all bytes, and never ends.
    if (isFull) {
      it.each(others.filter(({ shape }) => shape.lateMs == null))(
        '$name: connections without a link, to a peer with stock libp2p',
        async (one) => {
          const oursAnswers = carrier === 'webrtc' && one.shape.closes === 'answer'
          const { lost } = oursAnswers ? await run('stock', 'raw', one) : await run('raw', 'stock', one)
          // A stopping node of libp2p destroys the sockets of its listeners: without a link nobody waited for the answer.
          const isStopOfListener = one.shape.closes === 'answer' && one.shape.stops === true && carrier !== 'webrtc'
          if (!isStopOfListener) expect(lost).toEqual([])
        }
      )

      it.each(others)('$name: stock libp2p alone, measured only', async (one) => {
        await run('stock', 'stock', one)
      })
    }
  })
}
