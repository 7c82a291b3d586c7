// Peers without our protocol get exactly what stock libp2p gives, in both directions; stock relays work too.
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PeerRefusedProtocolError } from '../../src/index.ts'
import { pathKind } from '../../src/path/index.ts'
import { startNode, startPair, startStockNode } from '../support/nodes.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { ECHO, echo, randomBytes, roundTrip, SINK, sendAll, sha256, sink } from '../support/transfer.ts'
import { canDropUdp, dropUdp, restoreUdp, whyNotDropUdp } from '../support/udp.ts'
import { eventually, waitForState } from '../support/wait-for.ts'

let relay: TestRelay
let stockRelay: TestRelay

beforeAll(async () => {
  ;[relay, stockRelay] = await Promise.all([startRelay(), startRelay({ stock: true })])
})

afterAll(() => Promise.all([relay.stop(), stockRelay.stop()]))

afterEach(() => restoreUdp())

const variants = [
  { name: '@chainsafe noise and yamux', ownScope: false },
  { name: '@libp2p noise and yamux', ownScope: true }
]

describe.each(variants)('a stock peer with $name', ({ ownScope }) => {
  it('dials us by our WebRTC address, and by our relayed one', async () => {
    const ours = await startNode({ relays: relay.multiaddrs })
    await echo(ours, { runOnLimitedConnection: true })
    const stock = await startStockNode({ ownScope })
    const circuit = `${relay.multiaddrs[0]}/p2p-circuit`
    const relayed = await stock.dial(multiaddr(`${circuit}/p2p/${ours.peerId}`))
    expect(relayed.limits).toBeDefined()
    const overRelay = await relayed.newStream(ECHO, { runOnLimitedConnection: true })
    expect(await roundTrip(overRelay, 'relayed')).toBe('relayed')
    const direct = await stock.dial(multiaddr(`${circuit}/webrtc/p2p/${ours.peerId}`))
    expect(pathKind(direct.remoteAddr)).toBe('webrtc')
    expect(direct.limits).toBeUndefined()
    expect(await roundTrip(await stock.dialProtocol(ours.peerId, ECHO), 'direct')).toBe('direct')
    expect(await stock.services.ping.ping(ours.peerId)).toBeGreaterThanOrEqual(0)
    expect(ours.services.links.all()).toEqual([])
    // And we reach it over what it opened, as in stock libp2p.
    await echo(stock)
    expect(await roundTrip(await ours.dialProtocol(stock.peerId, ECHO), 'back')).toBe('back')
  })

  it('is dialled by us by its WebRTC address, its relayed one, and its PeerId alone', async () => {
    const stock = await startStockNode({ relays: relay.multiaddrs, ownScope })
    await echo(stock, { runOnLimitedConnection: true })
    const circuit = `${relay.multiaddrs[0]}/p2p-circuit`

    const first = await startNode({ relays: relay.multiaddrs })
    const relayed = await first.dial(multiaddr(`${circuit}/p2p/${stock.peerId}`))
    expect(pathKind(relayed.remoteAddr)).toBe('relayed')
    expect(relayed.limits).toBeDefined()
    expect(await roundTrip(await relayed.newStream(ECHO, { runOnLimitedConnection: true }), 'relayed')).toBe('relayed')

    const second = await startNode({ relays: relay.multiaddrs })
    const direct = await second.dial(multiaddr(`${circuit}/webrtc/p2p/${stock.peerId}`))
    expect(pathKind(direct.remoteAddr)).toBe('webrtc')
    expect(direct.limits).toBeUndefined()
    expect(await roundTrip(await direct.newStream(ECHO), 'direct')).toBe('direct')

    const third = await startNode({ relays: relay.multiaddrs })
    const byId = await third.dial(stock.peerId)
    expect(pathKind(byId.remoteAddr)).toBe('webrtc')
    expect(await roundTrip(await third.dialProtocol(stock.peerId, ECHO), 'by id')).toBe('by id')
    expect(await third.services.ping.ping(stock.peerId)).toBeGreaterThanOrEqual(0)
  })
})

describe('a stock peer', () => {
  it('refuses links by an error that names the way to reach it, and is dialled as often as one likes', async () => {
    const stock = await startStockNode({ relays: relay.multiaddrs })
    await echo(stock, { runOnLimitedConnection: true })
    const ours = await startNode({ relays: relay.multiaddrs })
    const error = await ours.services.links.dial(stock.peerId).catch((err: Error) => err)
    expect(error).toBeInstanceOf(PeerRefusedProtocolError)
    expect((error as Error).message).toMatch(/node\.dial/)
    for (let round = 0; round < 3; round++) {
      const connection = await ours.dial(stock.peerId)
      expect(await roundTrip(await connection.newStream(ECHO, { runOnLimitedConnection: true }), 'hello')).toBe('hello')
      await ours.hangUp(stock.peerId)
      await eventually('the stock side closed too', () => stock.getConnections(ours.peerId).length === 0)
    }
    expect(ours.services.links.all()).toEqual([])
  })

  it('the refusal is remembered: the next dial offers it no session, over the circuit that is there', async () => {
    const stock = await startStockNode({ relays: relay.multiaddrs })
    const ours = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
    const circuit = multiaddr(`${relay.multiaddrs[0]}/p2p-circuit/p2p/${stock.peerId}`)
    const asked: string[] = []
    const { registrar } = (stock as unknown as { components: { registrar: { getProtocols(): string[] } } }).components
    const getProtocols = registrar.getProtocols.bind(registrar)
    registrar.getProtocols = () => {
      asked.push('negotiation')
      return getProtocols()
    }
    const first = await ours.dial(circuit)
    expect(pathKind(first.remoteAddr)).toBe('relayed')
    // The same circuit that refused the session carried on.
    expect(ours.getConnections(stock.peerId)).toEqual([first])
    expect(stock.getConnections(ours.peerId).length).toBe(1)
    await ours.hangUp(stock.peerId)
    await eventually('the stock side closed too', () => stock.getConnections(ours.peerId).length === 0)
    const opened: string[] = []
    const second = await ours.dial(circuit)
    for (const stream of second.streams) opened.push(stream.protocol)
    expect(opened).not.toContain('/holdfast/session/1.0.0')
    expect(second.limits).toBeDefined()
    expect(asked.length).toBeGreaterThan(0)
  })

  it('keeps its relayed connection when ICE fails, dialled by either side', async ({ skip }) => {
    if (!canDropUdp()) skip(whyNotDropUdp())
    const stock = await startStockNode({ relays: relay.multiaddrs })
    const ours = await startNode({ relays: relay.multiaddrs })
    await echo(stock, { runOnLimitedConnection: true })
    await dropUdp()
    const connection = await ours.dial(stock.peerId)
    expect(pathKind(connection.remoteAddr)).toBe('relayed')
    expect(connection.status).toBe('open')
    expect(await roundTrip(await connection.newStream(ECHO, { runOnLimitedConnection: true }), 'still')).toBe('still')

    const other = await startStockNode()
    await echo(ours, { runOnLimitedConnection: true })
    const circuit = `${relay.multiaddrs[0]}/p2p-circuit`
    const relayed = await other.dial(multiaddr(`${circuit}/p2p/${ours.peerId}`))
    const direct = multiaddr(`${circuit}/webrtc/p2p/${ours.peerId}`)
    await expect(other.dial(direct, { signal: AbortSignal.timeout(1_500) })).rejects.toThrow()
    expect(relayed.status).toBe('open')
    expect(await roundTrip(await relayed.newStream(ECHO, { runOnLimitedConnection: true }), 'still')).toBe('still')
  })

  it('carries a megabyte each way over WebRTC', async () => {
    const stock = await startStockNode({ relays: relay.multiaddrs })
    const ours = await startNode({ relays: relay.multiaddrs })
    const [atStock, atOurs] = [await sink(stock), await sink(ours)]
    await ours.dial(stock.peerId)
    const data = randomBytes(1_000_000)
    for (const [from, to] of [
      [ours, stock],
      [stock, ours]
    ] as const) {
      const stream = await from.dialProtocol(to.peerId, SINK)
      await sendAll(stream, data)
      await stream.close()
    }
    expect(await atStock.result(0)).toMatchObject({ bytes: data.byteLength, hash: sha256(data) })
    expect(await atOurs.result(0)).toMatchObject({ bytes: data.byteLength, hash: sha256(data) })
  })
})

describe('a stock relay', () => {
  it('brings two of our nodes together, relayed first and direct then', async () => {
    const [a, b] = await startPair(stockRelay.multiaddrs)
    await echo(b)
    const stream = await a.dialProtocol(b.peerId, ECHO)
    expect(await roundTrip(stream, 'relayed')).toBe('relayed')
    const link = a.services.links.get(b.peerId)!
    await waitForState(link, 'direct')
    expect(link.paths.find(({ kind }) => kind === 'relayed')?.budget?.remainingBytes).toBeLessThan(131_072)
    expect(await roundTrip(stream, 'direct')).toBe('direct')
  })

  it('and a stock peer behind it: dialled both ways as in stock libp2p', async () => {
    const stock = await startStockNode({ relays: stockRelay.multiaddrs })
    const ours = await startNode({ relays: stockRelay.multiaddrs })
    await echo(stock)
    await echo(ours)
    expect(await roundTrip(await ours.dialProtocol(stock.peerId, ECHO), 'there')).toBe('there')
    expect(await roundTrip(await stock.dialProtocol(ours.peerId, ECHO), 'back')).toBe('back')
  })
})
