// Real browsers and Node behind the NATs that people are behind: direct where that is possible, relayed where it is not,
// and every byte in both cases. What js-libp2p alone does in the same places is printed beside it.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findBrowsers } from '../../../scripts/browsers.ts'
import { createLab, type Host, type Lab, type NatOptions, whyNoLab } from '../index.ts'
import { endPeers, type LabRelay, openPeer, type Peer, startLabRelay } from '../peers/index.ts'
import { note, printFigures } from './figures.ts'
import {
  directAt,
  globalsOf,
  pathsOf,
  startPeople,
  startStockPeople,
  statusesOf,
  whenDirect,
  whenFirstAttemptFailed
} from './pair.ts'
import { stockTransfer, TRANSFER_BYTES, type TransferFailedError, transfer } from './transfers.ts'

const { chromium, firefox } = await findBrowsers()
const why =
  (await whyNoLab()) ??
  (chromium == null || firefox == null ? 'Chromium and Firefox are not both installed: npm run setup' : undefined)

/** Behind which of the two NATs: browsers are started once per network. */
const sides: Record<'chromium' | 'firefox' | 'node', 0 | 1> = { chromium: 0, firefox: 1, node: 1 }

/** Who dials comes first. */
type Pair = [keyof typeof sides, keyof typeof sides]

const pairs: Pair[] = [
  ['chromium', 'firefox'],
  ['node', 'chromium']
]

interface Network {
  name: string
  nats: [NatOptions, NatOptions]
  expected: 'direct' | 'relayed'
  /** Shown with js-libp2p alone as well: few where that takes long. */
  controls: Pair[]
}

const cone: NatOptions = { kind: 'endpoint-independent' }
const symmetric: NatOptions = { kind: 'symmetric' }

const networks: Network[] = [
  { name: 'cone x cone', nats: [cone, cone], expected: 'direct', controls: pairs },
  { name: 'symmetric x symmetric', nats: [symmetric, symmetric], expected: 'relayed', controls: pairs.slice(0, 1) },
  { name: 'UDP blocked x cone', nats: [{ ...cone, blockUdp: true }, cone], expected: 'relayed', controls: [] }
]

/** js-libp2p alone waits for dead connections; longer than this nobody does. */
const STOCK_TIMEOUT_MS = 20_000

let lab: Lab
let relay: LabRelay

beforeAll(async () => {
  if (why != null) return
  lab = await createLab()
  relay = await startLabRelay(await lab.host({ name: 'relay' }))
}, 60_000)

afterAll(async () => {
  printFigures()
  await relay?.stop()
  await lab?.close()
})

describe.each(networks)('$name', ({ name: network, nats, expected, controls }) => {
  let hosts: [Host, Host]

  const open = async (kind: keyof typeof sides, stock = false): Promise<Peer> => {
    const peer = await openPeer(hosts[sides[kind]], { kind, stock, globals: globalsOf(relay) })
    onTestFinished(() => peer.close())
    return peer
  }

  beforeAll(async () => {
    if (why != null) return
    const [left, right] = [await lab.nat(nats[0]), await lab.nat(nats[1])]
    hosts = [await lab.host({ behind: left }), await lab.host({ behind: right })]
  })

  afterAll(async () => {
    if (hosts != null) await endPeers(...hosts)
  })

  test.for(pairs)(`%s dials %s: ${expected}`, async ([from, to], { skip }) => {
    if (why != null) skip(why)
    const [a, b] = await Promise.all([open(from), open(to)])
    const [, peerId = ''] = await startPeople(a, b)

    const { dialledAt, answerMs, status } = await a.evaluate((peerId) => person.dial(peerId, 'first'), peerId)
    expect(await b.evaluate(() => person.heard)).toMatchObject([{ text: 'first' }])

    let direct: string
    if (expected === 'direct') {
      await Promise.all([whenDirect(a), whenDirect(b)])
      direct = `${(await directAt(a)) - dialledAt} ms`
    } else {
      expect(status).toBe('relayed')
      const { beganAt, endedAt } = await whenFirstAttemptFailed(a)
      expect(dialledAt + answerMs, 'the first message must not wait for the attempt').toBeLessThan(endedAt)
      direct = `no: attempt 1 ended after ${endedAt - beganAt} ms`
    }

    const [there, back] = await Promise.all([transfer(a, b), transfer(b, a)])
    for (const { sent, received } of [there, back]) {
      expect(sent.bytes).toBe(TRANSFER_BYTES)
      expect(received).toMatchObject(sent)
    }
    const missingBytes = [there, back].reduce((sum, { sent, received }) => sum + sent.bytes - received.bytes, 0)
    expect(missingBytes).toBe(0)

    for (const peer of [a, b]) {
      const paths = await pathsOf(peer)
      if (expected === 'direct') {
        await whenDirect(peer)
        const { sentBytes = 0, receivedBytes = 0 } = paths.find(({ kind }) => kind === 'webrtc') ?? {}
        // Not all: a machine too busy to acknowledge may make the relay carry some.
        expect(Math.min(sentBytes, receivedBytes)).toBeGreaterThan(TRANSFER_BYTES / 2)
      } else {
        expect(paths.map(({ kind }) => kind)).toEqual(['relayed'])
        expect(await statusesOf(peer)).toEqual(['relayed'])
      }
      const errors = await peer.errors()
      // Firefox tells people how to help ICE.
      expect(errors.filter((text) => expected === 'direct' || !text.startsWith('WebRTC: ICE failed'))).toEqual([])
    }

    note({
      network,
      pair: `${from}–${to}`,
      who: 'ours',
      firstByteMs: answerMs,
      direct,
      there: `${Math.round(there.ms)} ms`,
      back: `${Math.round(back.ms)} ms`,
      missingBytes
    })
  })

  test.for(controls)(`js-libp2p alone, %s dials %s: ${expected}`, async ([from, to], { skip }) => {
    if (why != null) skip(why)
    const [a, b] = await Promise.all([open(from, true), open(to, true)])
    const [idOfA = '', idOfB = ''] = await startStockPeople(a, b)

    const { answerMs, status } = await a.evaluate((peerId) => stockPerson.dial(peerId), idOfB)
    expect(status).toBe(expected)

    // Where it is relayed, the listener may choose the connection that never came up: that is shown, not asserted.
    const transfers = await Promise.allSettled([
      stockTransfer(a, b, idOfB, STOCK_TIMEOUT_MS),
      stockTransfer(b, a, idOfA, STOCK_TIMEOUT_MS)
    ])
    const remarks: string[] = []
    let missingBytes = 0
    const [there = '', back = ''] = transfers.map((one, i) => {
      if (one.status === 'fulfilled') {
        const { sent, received, ms } = one.value
        expect(received).toMatchObject(sent)
        return `${Math.round(ms)} ms`
      }
      expect(expected, String(one.reason)).toBe('relayed')
      missingBytes += TRANSFER_BYTES
      const { ms, message } = one.reason as TransferFailedError
      remarks.push(`${['there', 'back'][i]}: ${message}`)
      return `failed after ${Math.round(ms)} ms`
    })

    note({
      network,
      pair: `${from}–${to}`,
      who: 'stock',
      firstByteMs: answerMs,
      direct: status === 'direct' ? `${Math.round(answerMs)} ms` : 'no: ended before the first byte',
      there,
      back,
      missingBytes,
      remarks
    })
  })
})
