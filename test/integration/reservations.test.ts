// Nodes stay reachable through the relays they were told of, whatever becomes of those.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { PrivateKey } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  DEFAULTS,
  type HoldfastNode,
  type LinksService,
  links,
  type ReservationDetail,
  type ReservationInfo,
  type ReservationLostDetail
} from '../../src/index.ts'
import { relayOrder } from '../../src/node/relay-order.ts'
import { amount, describeInFull, percentile, record } from '../soak/support/soak.ts'
import { deadRelay, startNode, startOwnRelay, startStockNode } from '../support/nodes.ts'
import type { TestRelay } from '../support/relay.ts'
import { dropTcp, restoreTcp, whyNotDropTcp } from '../support/tcp.ts'
import { ECHO, echo, roundTrip } from '../support/transfer.ts'
import { eventually, waitFor } from '../support/wait-for.ts'

interface Components {
  readonly transportManager: TransportManager
}

const reachableOver = (node: HoldfastNode, relay: TestRelay): boolean =>
  node.getMultiaddrs().some((address) => address.toString().includes(`/p2p/${relay.peerId}/p2p-circuit`))

/** A dial by somebody who knows the relay only. */
async function dialledOver(node: HoldfastNode, relay: TestRelay): Promise<void> {
  const caller = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
  const link = await caller.services.links.dial(node.peerId)
  const stream = await link.connection.newStream(ECHO)
  expect(await roundTrip(stream, 'hello')).toBe('hello')
}

const listenerCount = (node: HoldfastNode): number =>
  (node as unknown as { components: Components }).components.transportManager.getListeners().length

const idOf = (multiaddr: string): string => multiaddr.split('/').at(-1)!

/** A key whose peer prefers relays in this order. */
async function keyThatPrefers(...multiaddrs: string[]): Promise<PrivateKey> {
  const ids = multiaddrs.map(idOf)
  for (;;) {
    const key = await generateKeyPair('Ed25519')
    const order = relayOrder(peerIdFromPrivateKey(key).toString(), ids, (id) => id)
    if (order.every((id, i) => id === ids[i])) return key
  }
}

const stateAt = (links: LinksService, relay: TestRelay): ReservationInfo['state'] | undefined =>
  links.reservations.find(({ relay: id }) => id.toString() === relay.peerId)?.state

const isReserved = (links: LinksService, relay: TestRelay): boolean => stateAt(links, relay)?.status === 'reserved'

async function attempts(links: LinksService, relay: TestRelay, count: number, timeoutMs = 90_000): Promise<void> {
  await eventually(
    `${count} attempts`,
    () => {
      const state = stateAt(links, relay)
      return state?.status === 'backoff' && state.attempt >= count
    },
    { timeoutMs }
  )
}

describe('the relays of a node', () => {
  it('that it listens on are as many as it asks for, those its PeerId prefers; others are dialled through', async () => {
    const relays = await Promise.all([startOwnRelay(), startOwnRelay(), startOwnRelay()])
    const multiaddrs = relays.flatMap(({ multiaddrs }) => multiaddrs)
    const privateKey = await keyThatPrefers(...multiaddrs)
    const libp2p = { privateKey }
    for (const [reservations, expected] of [
      [0, []],
      [1, [true, false, false]],
      [undefined, [true, true, false]],
      [16, [true, true, true]]
    ] as const) {
      const node = await startNode({ relays: [...multiaddrs].reverse(), reservations, libp2p })
      const { links } = node.services
      const wanted = expected.filter((is) => is).length
      await eventually('the reservations', () => {
        return links.reservations.filter(({ state }) => state.status === 'reserved').length === wanted
      })
      expect(links.reservations.map(({ state }) => state.status !== 'idle')).toEqual(expected)
      if (wanted > 0) expect(links.reservations.map(({ address }) => `${address}`)).toEqual(multiaddrs)
      await node.stop()
      expect(links.reservations).toEqual([])
    }
  })

  it('are told of by events and state, with causes and times', async () => {
    const relay = await startOwnRelay()
    const node = await startNode({ relays: relay.multiaddrs })
    const { links } = node.services
    const info = links.reservations[0]!
    expect(info.relay.toString()).toBe(relay.peerId)
    expect(info.address.toString()).toBe(relay.multiaddrs[0])
    expect(info.state).toEqual({ status: 'reserved', since: expect.any(Number) })
    expect(Math.abs(Date.now() - (info.state as { since: number }).since)).toBeLessThan(10_000)

    const lost = waitFor<ReservationLostDetail>(links, 'reservation:lost')
    await relay.kill()
    expect(await lost).toEqual({ relay: info.relay, address: info.address, cause: expect.stringMatching(/lost/) })
    await attempts(links, relay, 1)
    const state = stateAt(links, relay)
    expect(state).toEqual({
      status: 'backoff',
      attempt: expect.any(Number),
      retryAt: expect.any(Number),
      cause: 'it could not be reached'
    })
    const inMs = (state as { retryAt: number }).retryAt - Date.now()
    expect(inMs).toBeLessThanOrEqual(2_000)

    const open = waitFor<ReservationDetail>(links, 'reservation:open')
    await relay.restart()
    expect(await open).toEqual({ relay: info.relay, address: info.address })
    expect(stateAt(links, relay)?.status).toBe('reserved')
    expect(reachableOver(node, relay)).toBe(true)
  })

  it('are replaced by the next where one refuses, and that one is used when it has room again', async () => {
    const [full, spare] = await Promise.all([startOwnRelay({ maxReservations: 1 }), startOwnRelay()])
    const occupant = await startNode({ relays: full.multiaddrs })
    const relays = [...full.multiaddrs, ...spare.multiaddrs]
    const privateKey = await keyThatPrefers(...relays)
    const node = await startNode({ relays, reservations: 1, libp2p: { privateKey } })
    const { links } = node.services
    expect(isReserved(links, spare)).toBe(true)
    expect(stateAt(links, full)).toMatchObject({ cause: expect.stringMatching(/RESERVATION_REFUSED|RESOURCE_LIMIT/) })
    const listeners = listenerCount(node)
    await attempts(links, full, 3)
    // Attempts leave nothing behind.
    expect(listenerCount(node)).toBe(listeners)
    await occupant.stop()
    await eventually('room at the first', () => isReserved(links, full))
    expect(reachableOver(node, full)).toBe(true)
  })

  it('don’t keep it from starting when the first drops packets', async ({ skip }) => {
    const why = whyNotDropTcp()
    if (why != null) skip(why)
    await dropTcp([10])
    onTestFinished(restoreTcp)
    const dropping = deadRelay(peerIdFromPrivateKey(await generateKeyPair('Ed25519'))).replace('/tcp/9/', '/tcp/10/')
    const living = await startOwnRelay()
    const relays = [dropping, ...living.multiaddrs]
    for (const reservations of [1, 2]) {
      const privateKey = await keyThatPrefers(...relays)
      const before = performance.now()
      const node = await startNode({ relays, reservations, libp2p: { privateKey } })
      expect(performance.now() - before).toBeLessThan(2_500)
      expect(isReserved(node.services.links, living)).toBe(true)
    }
  })
})

describe('a relay that comes back', () => {
  it.each([
    ['a moment', amount(2, 5), 1, 20_000],
    ['some time', amount(1, 5), amount(4, 45), 120_000]
  ] as const)('after %s is reserved again within 3 s', async (away, rounds, count, timeoutMs) => {
    const relay = await startOwnRelay()
    const node = await startNode({ relays: relay.multiaddrs })
    const { links } = node.services
    const took: number[] = []
    const absences: number[] = []
    for (let round = 0; round < rounds; round++) {
      await relay.kill()
      const goneAt = performance.now()
      await attempts(links, relay, count, timeoutMs)
      const state = stateAt(links, relay)
      // Not by luck: whenever it comes back, the next attempt is that near.
      if (state?.status === 'backoff') expect(state.retryAt - Date.now()).toBeLessThanOrEqual(2_000)
      await relay.restart()
      const upAt = performance.now()
      await eventually('a reservation', () => isReserved(links, relay))
      took.push(performance.now() - upAt)
      absences.push(upAt - goneAt)
    }
    record(`a relay that was away for ${away}`, {
      returns: rounds,
      awayMs: Math.round(Math.max(...absences)),
      reservedAgainMsMedian: Math.round(percentile(took, 0.5)),
      reservedAgainMsMax: Math.round(Math.max(...took))
    })
    expect(Math.max(...took)).toBeLessThan(3_000)
  })

  it('after its packets were dropped is reserved again within 3 s', async ({ skip }) => {
    const why = whyNotDropTcp()
    if (why != null) skip(why)
    const relay = await startOwnRelay()
    const node = await startNode({ relays: relay.multiaddrs })
    const { links } = node.services
    const port = Number(relay.multiaddrs[0]!.split('/')[4])
    const took: number[] = []
    onTestFinished(restoreTcp)
    for (let round = 0; round < amount(1, 5); round++) {
      await relay.kill()
      await dropTcp([port])
      await relay.restart()
      await attempts(links, relay, amount(2, 12))
      const before = performance.now()
      await restoreTcp()
      await eventually('a reservation', () => isReserved(links, relay))
      took.push(performance.now() - before)
    }
    record('a relay whose packets were dropped', {
      returns: took.length,
      reservedAgainMsMedian: Math.round(percentile(took, 0.5)),
      reservedAgainMsMax: Math.round(Math.max(...took))
    })
    expect(Math.max(...took)).toBeLessThan(3_000)
  })
})

describeInFull('a spare', () => {
  it('is given back a minute after the relay before it has returned, and steps in again', async () => {
    const [first, spare] = await Promise.all([startOwnRelay(), startOwnRelay()])
    const relays = [...first.multiaddrs, ...spare.multiaddrs]
    const node = await startNode({ relays, reservations: 1, libp2p: { privateKey: await keyThatPrefers(...relays) } })
    const { links } = node.services
    expect(stateAt(links, spare)?.status).toBe('idle')
    for (let round = 0; round < 2; round++) {
      await first.kill()
      await eventually('the spare', () => isReserved(links, spare))
      await first.restart()
      await eventually('the first', () => isReserved(links, first))
      const backAt = performance.now()
      const { relay, cause } = await waitFor<ReservationLostDetail>(links, 'reservation:lost', undefined, {
        timeoutMs: 120_000
      })
      expect(relay.toString()).toBe(spare.peerId)
      expect(cause).toMatch(/come first/)
      expect(performance.now() - backAt).toBeGreaterThan(59_000)
      expect(isReserved(links, first)).toBe(true)
      await eventually('no connection to the spare', () => node.getConnections(relay).length === 0)
    }
  })
})

describe('links() in a node of one’s own', () => {
  const own = (relay: TestRelay, listen: string[], reservations?: number) =>
    startStockNode({
      libp2p: {
        addresses: { listen },
        connectionMonitor: { enabled: false },
        services: { identify: identify(), links: links({ relays: relay.multiaddrs, reservations }) }
      }
    }) as unknown as Promise<HoldfastNode>

  it('makes no reservation unless asked', async () => {
    const relay = await startOwnRelay()
    const node = await own(relay, [])
    expect(node.services.links.reservations).toEqual([])
    expect(node.getConnections()).toEqual([])
    const asked = await own(relay, [], 1)
    expect(isReserved(asked.services.links, relay)).toBe(true)
    expect(reachableOver(asked, relay)).toBe(true)
  })

  it('keeps those of the addresses it listens on', async () => {
    const relay = await startOwnRelay()
    const node = await own(relay, [`${relay.multiaddrs[0]}/p2p-circuit`])
    await eventually('libp2p’s own reservation', () => isReserved(node.services.links, relay))
    await relay.kill()
    await eventually('the address is withdrawn', () => !reachableOver(node, relay))
    await relay.restart()
    await eventually('the address is back', () => reachableOver(node, relay))
  })
})

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
