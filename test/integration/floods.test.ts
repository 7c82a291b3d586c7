// A peer that sends tiny frames as fast as it can gets a bounded part of the node's time, and harms nothing but its own path.
import { expect, it, onTestFinished } from 'vitest'
import type { PathEventDetail } from '../../src/index.ts'
import { encodeFrame, type Frame } from '../../src/wire/index.ts'
import { startNode } from '../support/nodes.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { eventually, waitFor } from '../support/wait-for.ts'

const PING: Frame = { type: 'ping', nonce: 1 }
const PING_BYTES = encodeFrame(PING).reduce((sum, { byteLength }) => sum + byteLength, 0)
const BATCH = Array<Frame>(500).fill(PING)

const FLOOD_MS = 3_000

/** What a reader takes: some at once, and then its share of each second. */
const READ_BYTES = (5_000 + (20_000 * FLOOD_MS) / 1_000) * PING_BYTES

/** What waits for it: the receive window of the carrier, and the message that filled it. */
const HELD_BYTES = 4_194_304 + BATCH.length * PING_BYTES

async function startVictim() {
  const node = await startNode({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
  const address = node.getMultiaddrs()[0]!.toString()
  const attacker = await RawPeer.start({ peerId: node.peerId.toString(), address }, 'websocket')
  onTestFinished(async () => {
    // Its side of the session never ends in an orderly way.
    node.services.links.get(attacker.node.peerId)?.abort(new Error('the test is over'))
    await attacker.node.stop()
  })
  return { node, attacker }
}

it('a peer that floods is held back by its carrier', async () => {
  const { node, attacker } = await startVictim()
  const path = await attacker.attached()
  const end = performance.now() + FLOOD_MS
  while (path.isOpen && performance.now() < end) {
    path.send(...BATCH)
    await Promise.race([path.room(), new Promise((resolve) => setTimeout(resolve, 50))])
  }
  expect(path.isOpen, 'it is slowed down, not cut off').toBe(true)
  const link = node.services.links.get(attacker.node.peerId)
  const { receivedBytes } = link!.paths[0]!
  expect(receivedBytes).toBeGreaterThan(5_000 * PING_BYTES)
  expect(receivedBytes).toBeLessThan(READ_BYTES + HELD_BYTES)
})

it('what a peer that floods has sent is read to the end, and its path ended then', async () => {
  const { node, attacker } = await startVictim()
  const path = await attacker.attached()
  let sentBytes = 0
  for (let more = true; more; await new Promise(setImmediate)) {
    more = path.send(...BATCH)
    sentBytes += BATCH.length * PING_BYTES
  }
  const link = node.services.links.get(attacker.node.peerId)
  const closed = waitFor<PathEventDetail>(link!, 'path:close')
  await path.finish()
  expect((await closed).path.receivedBytes).toBeGreaterThanOrEqual(sentBytes)
})

it('a connection that is cut in the middle of a flood ends its path, and nothing else', async () => {
  const { node, attacker } = await startVictim()
  const path = await attacker.attached()
  while (path.send(...BATCH)) await new Promise(setImmediate)
  for (const connection of node.getConnections(attacker.node.peerId)) {
    if (connection.remoteAddr.toString().includes('/ws')) connection.abort(new Error('cut'))
  }
  await eventually('the path ends', () => node.services.links.get(attacker.node.peerId)?.paths.length === 0)
  await expect(attacker.attached()).resolves.toBeDefined()
})
