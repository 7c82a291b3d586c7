// Nodes stay reachable through the relays they were told of, whatever becomes of those.
import { describe, expect, it } from 'vitest'
import { DEFAULTS, type HoldfastNode } from '../../src/index.ts'
import { startNode, startOwnRelay } from '../support/nodes.ts'
import type { TestRelay } from '../support/relay.ts'
import { ECHO, echo, roundTrip } from '../support/transfer.ts'
import { eventually } from '../support/wait-for.ts'

const reachableOver = (node: HoldfastNode, relay: TestRelay): boolean =>
  node.getMultiaddrs().some((address) => address.toString().includes(`/p2p/${relay.peerId}/p2p-circuit`))

/** A dial by somebody who knows the relay only. */
async function dialledOver(node: HoldfastNode, relay: TestRelay): Promise<void> {
  const caller = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
  const link = await caller.services.links.dial(node.peerId)
  const stream = await link.connection.newStream(ECHO)
  expect(await roundTrip(stream, 'hello')).toBe('hello')
}

describe('a relay that a node listens on', () => {
  it('is reserved again when it restarts, though nobody has a link', async () => {
    const relay = await startOwnRelay()
    const node = await startNode({ relays: relay.multiaddrs })
    await echo(node)
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await relay.kill(signal)
      await eventually('the address is withdrawn', () => !reachableOver(node, relay))
      await relay.restart()
      const upAt = performance.now()
      await eventually('the address is back', () => reachableOver(node, relay))
      console.info(`reachable ${(performance.now() - upAt).toFixed(0)} ms after the relay was back (${signal})`)
      await dialledOver(node, relay)
    }
  })

  it('is reserved later when it was not there at first', async () => {
    const [present, absent] = await Promise.all([startOwnRelay(), startOwnRelay()])
    await absent.kill()
    const node = await startNode({ relays: [...present.multiaddrs, ...absent.multiaddrs] })
    await echo(node)
    expect(reachableOver(node, present)).toBe(true)
    await absent.restart()
    await eventually('the second relay', () => reachableOver(node, absent), { timeoutMs: 2 * DEFAULTS.dialTimeoutMs })
    await dialledOver(node, absent)
  })

  it('is left alone after the node has stopped', async () => {
    const relay = await startOwnRelay()
    const node = await startNode({ relays: relay.multiaddrs })
    await relay.kill()
    await eventually('the address is withdrawn', () => !reachableOver(node, relay))
    await node.stop()
    await relay.restart()
    expect(node.getConnections()).toEqual([])
    await node.start()
    await eventually('reachable when it is started again', () => reachableOver(node, relay))
  })
})
