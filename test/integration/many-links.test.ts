// One node with many links over one relay: libp2p's own default is 64 streams for a protocol and connection.
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { HoldfastNode } from '../../src/index.ts'
import { startNode } from '../support/nodes.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { ECHO, echo, roundTrip } from '../support/transfer.ts'

const LINKS = 70

/** Nodes that start at once, and dials. */
const AT_ONCE = 10

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay({ args: ['--max-reservations=128'] })
})

afterAll(() => relay.stop())

it(`${LINKS} links are dialled through one relay, and each of them carries`, async () => {
  const init = { relays: relay.multiaddrs, upgrade: 'never', closeTimeoutMs: 100 } as const
  const hub = await startNode(init)
  const peers: HoldfastNode[] = []
  while (peers.length < LINKS) {
    const started = await Promise.all(Array.from({ length: AT_ONCE }, () => startNode(init)))
    await Promise.all(started.map((node) => echo(node)))
    await Promise.all(started.map(({ peerId }) => hub.services.links.dial(peerId)))
    peers.push(...started)
  }
  const answers = await Promise.all(
    peers.map(async ({ peerId }) => roundTrip(await hub.dialProtocol(peerId, ECHO), 'hello'))
  )
  expect(answers).toEqual(Array(LINKS).fill('hello'))
  expect(hub.services.links.all().map(({ state }) => state.status)).toEqual(Array(LINKS).fill('relayed'))
}, 30_000)
