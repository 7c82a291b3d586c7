// "Living inside libp2p", sentence by sentence. What other files test is named in the table.
//
// | sentence                                                            | test |
// | ------------------------------------------------------------------- | ---- |
// | carriers are dialled by private instances, no dial queue            | carriers > no dial queue |
// | signalling goes over the relayed path we chose                      | carriers > signalling |
// | carriers are marked, their counters kept, stock code leaves them    | carriers > marked |
// | the gater is asked on private dials                                 | gater |
// | `never` guards inbound signalling too, nothing is offered           | never |
// | no link to a peer that offers HOP                                   | relays |
// | node.dial(peerId) returns the durable connection                    | libp2p-services.test.ts |
// | one attempt per peer, relays raced                                  | one attempt; dialling.test.ts |
// | refused: as stock would, on the same circuit, remembered            | stock-peers.test.ts |
// | direct addresses are claimed for known speakers only                | direct addresses |
// | a PeerId without address; bare /p2p is the durable remoteAddr       | one attempt |
// | links() refuses to start beside the connection monitor              | settings > monitor |
// | negotiation timeouts exceed the resume window, outages are outlived | settings > outage |
// | maxConnections x 3, inboundConnectionThreshold raised               | settings > limits; dialling.test.ts (nine peers) |
// | a permanent control stream keeps the pruner away                    | settings > pruner |
// | hangUp and stop deliver everything                                  | ending > delivers |
// | closing never dials                                                 | ending > never dials |
// | nothing is left after stop                                          | ending > process |
// | supersede is visible                                                | a peer that restarts |
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConnectionMonitorError, type HoldfastNode, type Link, links } from '../../src/index.ts'
import { pathKind } from '../../src/path/index.ts'
import { SESSION_PROTOCOL } from '../../src/wire/index.ts'
import { carriers, startNode, startOwnRelay, startPair, startStockNode } from '../support/nodes.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { ECHO, echo, randomBytes, roundTrip, SINK, sendAll, sha256, sink } from '../support/transfer.ts'
import { eventually, waitFor, waitForState, within } from '../support/wait-for.ts'

const SIGNALLING = '/webrtc-signaling/0.0.1'

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(() => relay.stop())

/** Protocols of the streams a connection opens from here on. */
function openedOn(connection: Connection): string[] {
  const opened: string[] = []
  const newStream = connection.newStream
  connection.newStream = async (protocols, options): Promise<Stream> => {
    opened.push(...[protocols].flat())
    return newStream(protocols, options)
  }
  return opened
}

describe('carriers', () => {
  it('do not pass through libp2p’s dial queue, neither the relayed one nor the direct one', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    const queued: number[] = []
    for (const type of ['connection:open', 'connection:close'] as const) {
      a.addEventListener(type, () => queued.push(a.getDialQueue().length))
    }
    const link = await a.services.links.dial(b.peerId)
    await link.whenDirect()
    expect(queued.length).toBeGreaterThanOrEqual(3)
    expect(Math.max(...queued)).toBe(0)
  })

  it('signalling goes over the path of the link, whichever connection comes first in getConnections()', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    const link = await a.services.links.dial(b.peerId)
    await link.whenDirect()
    const first = a.getConnections(b.peerId)[0]!
    carriers(a, b.peerId, 'webrtc')[0]!.abort(new Error('cut by the test'))
    await waitForState(link, 'relayed')
    const carrier = carriers(a, b.peerId, 'relayed')[0]!
    const opened = openedOn(carrier)
    const others = a
      .getConnections(b.peerId)
      .filter((connection) => connection !== carrier)
      .map(openedOn)
    await link.whenDirect()
    await eventually(
      'the signalling, seen or over',
      () => opened.includes(SIGNALLING) || link.state.status === 'direct'
    )
    expect(others.flat()).not.toContain(SIGNALLING)
    expect(first).toBeDefined()
  })

  it('of links are marked at both sides, so that stock code leaves them alone; their counters go on', async () => {
    const [a, b] = await startPair(relay.multiaddrs)
    const received = await sink(b)
    const link = await a.services.links.dial(b.peerId)
    await link.whenDirect()
    const all = [...carriers(a, b.peerId), ...carriers(b, a.peerId)]
    expect(all.length).toBe(4)
    for (const carrier of all) {
      expect(carrier.limits, carrier.remoteAddr.toString()).toBeDefined()
      await expect(carrier.newStream(ECHO)).rejects.toThrow(/limited connection/)
    }
    const relayed = carriers(a, b.peerId, 'relayed')[0]!
    const before = relayed.limits?.bytes
    expect(before).toBeDefined()
    carriers(a, b.peerId, 'webrtc')[0]!.abort(new Error('cut by the test'))
    const stream = await link.connection.newStream(SINK)
    await sendAll(stream, randomBytes(300_000))
    await stream.close()
    await received.result(0)
    const paths = link.paths.find(({ kind }) => kind === 'relayed')
    expect(paths?.budget?.remainingBytes).toBeLessThan(Number(before))
    for (const node of [a, b]) expect(node.getConnections().some(({ limits }) => limits == null)).toBe(true)
  })

  it('of an unlimited relay are marked as well', async () => {
    const own = await startOwnRelay({ limitBytes: 0, limitSeconds: 0 })
    const [a, b] = await startPair(own.multiaddrs, { upgrade: 'never' })
    const link = await a.services.links.dial(b.peerId)
    await eventually('the link at the listener', () => b.services.links.get(a.peerId) != null)
    expect(link.paths[0]?.budget).toBeUndefined()
    for (const carrier of [...carriers(a, b.peerId), ...carriers(b, a.peerId)]) expect(carrier.limits).toEqual({})
    expect(await a.dial(b.peerId)).toBe(link.connection)
  })
})

describe('the connection gater', () => {
  it('is asked for the peer on private dials', async () => {
    const b = await startNode({ relays: relay.multiaddrs })
    const a = await startNode({
      relays: relay.multiaddrs,
      libp2p: { connectionGater: { denyDialMultiaddr: () => false, denyDialPeer: (peer) => peer.equals(b.peerId) } }
    })
    await expect(a.services.links.dial(b.peerId)).rejects.toThrow(/gater denies this peer/)
    expect(b.getConnections(a.peerId)).toEqual([])
  })

  it('is asked for every address, of the direct path too', async () => {
    const asked: string[] = []
    const b = await startNode({ relays: relay.multiaddrs })
    const a = await startNode({
      relays: relay.multiaddrs,
      libp2p: {
        connectionGater: {
          denyDialMultiaddr: (address) => {
            asked.push(pathKind(address))
            return pathKind(address) === 'webrtc'
          }
        }
      }
    })
    const link = await a.services.links.dial(b.peerId)
    await waitForState(link, (state) => state.status === 'relayed' && state.upgrade.status === 'backoff')
    expect(asked).toContain('relayed')
    expect(asked).toContain('webrtc')
    await expect(link.upgrade()).rejects.toThrow(/gater denies/)
    expect(link.state.status).toBe('relayed')
  })

  it('that denies the durable connection denies the link, by its own error', async () => {
    const b = await startNode({ relays: relay.multiaddrs })
    const a = await startNode({
      relays: relay.multiaddrs,
      libp2p: {
        connectionGater: {
          denyDialMultiaddr: () => false,
          denyOutboundUpgradedConnection: (_peer, maConn) => maConn.remoteAddr.getComponents().length === 1
        }
      }
    })
    await expect(a.services.links.dial(b.peerId)).rejects.toThrow(/gater/)
    expect(a.services.links.all()).toEqual([])
  })
})

describe('the policy `never`', () => {
  /** What a peer is told over signalling. */
  async function told(node: HoldfastNode): Promise<Uint8Array[]> {
    const bytes: Uint8Array[] = []
    await node.unhandle(SIGNALLING)
    await node.handle(
      SIGNALLING,
      (stream) => stream.addEventListener('message', ({ data }) => bytes.push(data.subarray())),
      { runOnLimitedConnection: true }
    )
    return bytes
  }

  it('offers nothing: no SDP and no candidate leaves this node', async () => {
    const [never, peer] = await startPair(relay.multiaddrs, { upgrade: 'never' }, { upgrade: 'auto' })
    const offers = await told(peer)
    const link = await never.services.links.dial(peer.peerId)
    expect(link.state).toMatchObject({ status: 'relayed', upgrade: { status: 'never' } })
    await expect(link.upgrade()).rejects.toMatchObject({ name: 'UpgradeForbiddenError' })
    await never.hangUp(peer.peerId)
    // Nor where somebody dials the WebRTC address itself.
    await expect(
      never.dial(multiaddr(`${relay.multiaddrs[0]}/p2p-circuit/webrtc/p2p/${peer.peerId}`))
    ).resolves.toSatisfy((connection: Connection) => connection.multiplexer === SESSION_PROTOCOL)
    expect(offers).toEqual([])
    // The same ears hear the offers of others.
    const third = await startNode({ relays: relay.multiaddrs, upgradeTimeoutMs: 1_000 })
    const other = await third.services.links.dial(peer.peerId)
    await expect(other.upgrade()).rejects.toThrow()
    const heard = offers.map((bytes) => new TextDecoder().decode(bytes)).join()
    expect(heard).toMatch(/v=0/)
    // Its candidates wait for the answer, which never came.
    expect(heard).not.toMatch(/typ host/)
  })

  it('answers nothing: an offer is refused before a peer connection exists', async () => {
    const never = await startNode({ relays: relay.multiaddrs, upgrade: () => false })
    const stock = await startStockNode()
    const circuit = await stock.dial(multiaddr(`${relay.multiaddrs[0]}/p2p-circuit/p2p/${never.peerId}`))
    const signalling = await circuit.newStream(SIGNALLING, { runOnLimitedConnection: true })
    let answered = 0
    signalling.addEventListener('message', ({ data }) => {
      answered += data.byteLength
    })
    if (signalling.status === 'open') signalling.send(new Uint8Array([4, 8, 0, 18, 0]))
    await eventually('the refusal', () => signalling.status !== 'open')
    expect(answered).toBe(0)
    await expect(
      stock.dial(multiaddr(`${relay.multiaddrs[0]}/p2p-circuit/webrtc/p2p/${never.peerId}`), { force: true })
    ).rejects.toThrow()
    expect(never.getConnections(stock.peerId).map(({ remoteAddr }) => pathKind(remoteAddr))).not.toContain('webrtc')
  })

  it('of one side is enough: the other gives up for good when it is refused', async () => {
    const [auto, never] = await startPair(relay.multiaddrs, { upgrade: 'auto' }, { upgrade: 'never' })
    const link = await auto.services.links.dial(never.peerId)
    const state = await waitForState(link, (state) => state.status === 'relayed' && state.upgrade.status === 'never')
    expect(state).toMatchObject({ upgrade: { reason: expect.stringContaining('the peer takes no offers') } })
    await expect(link.upgrade()).rejects.toMatchObject({ name: 'UpgradeForbiddenError' })
    expect(carriers(never, auto.peerId, 'webrtc')).toEqual([])
  })

  it('holds for peers without our protocol: they are dialled over the relay only', async () => {
    const never = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
    const stock = await startStockNode({ relays: relay.multiaddrs })
    let signalled = 0
    await stock.unhandle(SIGNALLING)
    await stock.handle(SIGNALLING, () => void signalled++, { runOnLimitedConnection: true })
    for (let round = 0; round < 2; round++) {
      const connection = await never.dial(stock.peerId)
      expect(pathKind(connection.remoteAddr)).toBe('relayed')
      await never.hangUp(stock.peerId)
      await eventually('the stock side closed too', () => stock.getConnections(never.peerId).length === 0)
    }
    await expect(
      never.dial(multiaddr(`${relay.multiaddrs[0]}/p2p-circuit/webrtc/p2p/${stock.peerId}`))
    ).resolves.toSatisfy((connection: Connection) => pathKind(connection.remoteAddr) === 'relayed')
    expect(signalled).toBe(0)
  })
})

describe('relays', () => {
  it('get no links: not those of this node', async () => {
    const a = await startNode({ relays: relay.multiaddrs })
    const peer = a.getPeers()[0]!
    expect(peer.toString()).toBe(relay.peerId)
    await expect(a.services.links.dial(peer)).rejects.toThrow(/relays get no links/)
    expect((await a.dial(multiaddr(relay.multiaddrs[0]!))).multiplexer).not.toBe(SESSION_PROTOCOL)
  })

  it('get no links: not one that has the links service itself, dialled by either side; and circuits go on over it', async () => {
    const server = await startNode({
      listen: ['/ip4/127.0.0.1/tcp/0/ws'],
      services: { relay: circuitRelayServer({ reservations: { applyDefaultLimit: false } }) }
    })
    await expect(server.services.links.dial((await startNode()).peerId)).rejects.toThrow(/This node is a relay/)
    const a = await startNode()
    const address = server.getMultiaddrs()[0]!
    const identified = waitFor(a, 'peer:identify')
    await a.dial(address)
    await identified
    await expect(a.services.links.dial(server.peerId)).rejects.toThrow(/is a relay/)
    await expect(a.services.links.dial(address)).rejects.toThrow(/is a relay/)
    expect(a.services.links.all()).toEqual([])
    expect(server.services.links.all()).toEqual([])
    const b = await startNode({ relays: [address] })
    await echo(b)
    expect(
      await roundTrip(await a.dialProtocol(multiaddr(`${address}/p2p-circuit/p2p/${b.peerId}`), ECHO), 'over it')
    ).toBe('over it')
  })
})

describe('the dial-only transport', () => {
  it('makes one attempt per peer, however many dial at once and by whatever name', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    let opened = 0
    b.addEventListener('connection:open', ({ detail }) => {
      if (detail.remotePeer.equals(a.peerId) && detail.multiplexer !== SESSION_PROTOCOL) opened++
    })
    const circuit = multiaddr(`${relay.multiaddrs[0]}/p2p-circuit/p2p/${b.peerId}`)
    const connections = await Promise.all([
      a.dial(b.peerId),
      a.dial(b.peerId),
      a.dial(circuit),
      a.services.links.dial(b.peerId).then((link) => link.connection),
      a.services.links.dial(circuit).then((link) => link.connection)
    ])
    expect(new Set(connections).size).toBe(1)
    expect(opened).toBe(1)
    expect(connections[0]!.remoteAddr.toString()).toBe(`/p2p/${b.peerId}`)
  })

  it('claims direct addresses of known speakers only: others are dialled as stock does', async () => {
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const [a, b] = await Promise.all([startNode({ listen }), startNode({ listen })])
    const address = b.getMultiaddrs()[0]!
    const identified = waitFor(a, 'peer:identify')
    const stock = await a.dial(address)
    expect(stock.multiplexer).not.toBe(SESSION_PROTOCOL)
    await identified
    await stock.close()
    await eventually('the listener closed too', () => b.getConnections(a.peerId).length === 0)
    const durable = await a.dial(address)
    expect(durable.multiplexer).toBe(SESSION_PROTOCOL)
    const link = a.services.links.get(b.peerId)!
    expect(link.paths.map(({ kind }) => kind)).toEqual(['tcp'])
    expect(link.state.status).toBe('direct')
    // Stock TCP hands its dial's signal to the socket: that must not take it down when the dial is over.
    await echo(b)
    expect(await roundTrip(await durable.newStream(ECHO), 'still the first path')).toBe('still the first path')
    expect(link.history.map(({ to }) => to)).toEqual(['direct'])
  })

  it('a link over a direct address finds back by it when its carrier is cut off', async () => {
    const listen = ['/ip4/127.0.0.1/tcp/0/ws']
    const [a, b] = await Promise.all([startNode({ listen }), startNode({ listen })])
    await echo(b)
    const link = await a.services.links.dial(b.getMultiaddrs()[0]!)
    const stream = await link.connection.newStream(ECHO)
    await roundTrip(stream, 'before')
    const reopened = waitFor(link, 'path:open')
    carriers(b, a.peerId)[0]!.abort(new Error('cut by the test'))
    await within(5_000, 'another path', reopened)
    expect(await roundTrip(stream, 'after')).toBe('after')
  })
})

describe('settings', () => {
  it('links() refuses to start beside the connection monitor, by an error that says what to set', async () => {
    const node = await createLibp2p({ start: false, services: { links: links() as never } })
    const error = await Promise.resolve(node.start()).catch((err: Error) => err)
    expect(error).toBeInstanceOf(ConnectionMonitorError)
    expect((error as Error).message).toContain('connectionMonitor: { enabled: false }')
    const without = await createLibp2p({
      connectionMonitor: { enabled: false },
      services: { links: links() as never }
    })
    await without.stop()
  })

  it('three connections per link are allowed for, and many peers behind one address', async () => {
    const node = await startNode()
    const { connectionManager } = (
      node as unknown as { components: { connectionManager: { getMaxConnections(): number } } }
    ).components
    expect(connectionManager.getMaxConnections()).toBe(900)
  })

  it('an outage longer than libp2p’s own timeouts costs nothing: streams opened in it, pings in it, the connection', async () => {
    const own = await startOwnRelay()
    const [a, b] = await startPair(own.multiaddrs, { upgrade: 'never' })
    await echo(b)
    const link = await a.services.links.dial(b.peerId)
    const stream = await link.connection.newStream(ECHO)
    await roundTrip(stream, 'before')
    process.kill(own.pid, 'SIGSTOP')
    let opened: Promise<Stream>
    let pinged: Promise<number>
    try {
      opened = link.connection.newStream(ECHO)
      opened.catch(() => {})
      pinged = a.services.ping.ping(b.peerId, { signal: AbortSignal.timeout(40_000) })
      pinged.catch(() => {})
      await waitForState(link, 'recovering')
      // Stock negotiation gives up after 10 s, the connection monitor after 11 s.
      await new Promise((resolve) => setTimeout(resolve, 8_500))
    } finally {
      process.kill(own.pid, 'SIGCONT')
    }
    expect(await roundTrip(await opened, 'opened in the outage')).toBe('opened in the outage')
    expect(await pinged).toBeGreaterThanOrEqual(0)
    expect(await roundTrip(stream, 'after')).toBe('after')
    expect(a.services.links.get(b.peerId)).toBe(link)
  })

  it('the pruner closes stock connections first, and never an idle link', async () => {
    const a = await startNode({
      relays: relay.multiaddrs,
      upgrade: 'never',
      libp2p: { connectionManager: { maxConnections: 4 } }
    })
    const b = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
    const link = await a.services.links.dial(b.peerId)
    await eventually('the control stream', () => {
      return link.connection.streams.some(({ protocol }) => protocol === '/holdfast/control/1.0.0')
    })
    for (let i = 0; i < 4; i++) {
      const stock = await startStockNode({ listen: ['/ip4/127.0.0.1/tcp/0'] })
      const pruned = i === 0 ? undefined : waitFor(a, 'connection:prune')
      await a.dial(stock.getMultiaddrs().find((address) => pathKind(address) === 'tcp')!)
      await pruned
    }
    expect(link.connection.status).toBe('open')
    expect(carriers(a, b.peerId).length).toBe(1)
    await echo(b)
    expect(await roundTrip(await link.connection.newStream(ECHO), 'still here')).toBe('still here')
  })
})

describe('ending', () => {
  const ways: Array<[string, (a: HoldfastNode, link: Link) => Promise<unknown> | unknown]> = [
    ['node.hangUp', (a, link) => a.hangUp(link.remotePeer)],
    ['node.stop', (a) => a.stop()],
    ['connection.close', (_a, link) => link.connection.close()],
    ['link.close', (_a, link) => link.close()],
    ['the close of a carrier', (a, link) => carriers(a, link.remotePeer)[0]!.close()]
  ]

  describe.each(['relayed', 'direct'] as const)('%s', (status) => {
    it.each(ways)('%s right after 3 MB were sent: all arrive', async (_name, end) => {
      const [a, b] = await startPair(relay.multiaddrs, { upgrade: status === 'direct' ? 'auto' : 'never' })
      const received = await sink(b)
      const link = await a.services.links.dial(b.peerId)
      await waitForState(link, status)
      const stream = await link.connection.newStream(SINK)
      const data = randomBytes(3_000_000, 21)
      // At once: what the link cannot take yet waits in the stream.
      stream.send(data)
      await end(a, link)
      const { bytes, hash, error } = await received.result(0)
      expect(error).toBeUndefined()
      expect(bytes).toBe(3_000_000)
      expect(hash).toBe(sha256(data))
      await eventually('no connection at the other side', () => b.getConnections(a.peerId).length === 0)
    })
  })

  it('both sides at the same instant: what either sent arrives', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    const [atA, atB] = [await sink(a), await sink(b)]
    const link = await a.services.links.dial(b.peerId)
    await eventually('the link at the other side', () => b.services.links.get(a.peerId) != null)
    const back = b.services.links.get(a.peerId)!
    const data = randomBytes(500_000, 22)
    for (const { connection } of [link, back]) {
      const stream = await connection.newStream(SINK)
      await sendAll(stream, data)
      await stream.close()
    }
    await Promise.all([a.stop(), b.stop()])
    for (const at of [atA, atB]) expect(await at.result(0)).toMatchObject({ bytes: 500_000, hash: sha256(data) })
  })

  it('closing never dials, even when its path dies meanwhile', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never', closeTimeoutMs: 700 })
    await b.handle(SINK, (stream) => stream.pause())
    const link = await a.services.links.dial(b.peerId)
    const stream = await link.connection.newStream(SINK)
    stream.send(randomBytes(2_000_000))
    const dialled: string[] = []
    a.addEventListener('connection:open', ({ detail }) => {
      if (detail.direction === 'outbound') dialled.push(detail.remoteAddr.toString())
    })
    const closing = link.close().catch((err: Error) => err)
    carriers(a, b.peerId)[0]!.abort(new Error('cut by the test'))
    expect(await closing).toMatchObject({ name: 'LinkFlushError' })
    expect(dialled).toEqual([])
  })

  it('a program that dialled, talked and stopped has nothing left: it ends by itself', async () => {
    const script = new URL('../support/short-program.ts', import.meta.url).pathname
    for (const upgrade of ['never', 'auto']) {
      const child = spawn(
        process.execPath,
        [
          '--experimental-transform-types',
          '--disable-warning=ExperimentalWarning',
          script,
          upgrade,
          ...relay.multiaddrs
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] }
      )
      let output = ''
      child.stdout.on('data', (chunk) => {
        output += chunk
      })
      child.stderr.on('data', (chunk) => {
        output += chunk
      })
      let stoppedAt: number | undefined
      child.stdout.on('data', () => {
        if (output.includes('stopped')) stoppedAt ??= performance.now()
      })
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
      const [code, signal] = await once(child, 'exit')
      clearTimeout(timer)
      expect({ code, signal }, output).toEqual({ code: 0, signal: null })
      expect(output).toContain(upgrade === 'auto' ? 'direct' : 'relayed')
      // Nothing it started still had to run out.
      expect(performance.now() - stoppedAt!).toBeLessThan(2_000)
    }
  })
})

describe('a peer that restarts with the same key', () => {
  it('is announced as gone and back, its link is a new one, and gossipsub goes on', async () => {
    type Gossiper = HoldfastNode & { readonly services: { readonly pubsub: GossipSub } }
    const services = { pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) }
    const privateKey = await generateKeyPair('Ed25519')
    const relays = relay.multiaddrs
    const start = async (init = {}): Promise<Gossiper> => {
      return (await startNode({ relays, upgrade: 'never', services, ...init })) as Gossiper
    }
    const a = await start()
    const before = await start({ libp2p: { privateKey } })
    a.services.pubsub.subscribe('news')
    before.services.pubsub.subscribe('news')
    const link = await a.services.links.dial(before.peerId)
    const seen: string[] = []
    for (const type of ['peer:connect', 'peer:disconnect'] as const) {
      a.addEventListener(type, ({ detail }) => {
        if (detail.equals(before.peerId)) seen.push(type)
      })
    }
    await eventually('the subscription', () => a.services.pubsub.getSubscribers('news').length === 1)
    // The first process freezes, as a tab does when it is put away; the second one has its key.
    const after = await start({ libp2p: { privateKey } })
    after.services.pubsub.subscribe('news')
    const got: string[] = []
    after.services.pubsub.addEventListener('gossipsub:message', ({ detail: { msg } }) => {
      got.push(new TextDecoder().decode(msg.data))
    })
    await after.services.links.dial(a.peerId)
    await waitForState(link, 'closed')
    expect(link.state).toMatchObject({ reason: { name: 'LinkSupersededError' } })
    await eventually('gone and back', () => seen.length >= 2)
    expect(seen).toEqual(['peer:disconnect', 'peer:connect'])
    const next = a.services.links.get(after.peerId)
    expect(next).toBeDefined()
    expect(next).not.toBe(link)
    await eventually('the message', async () => {
      if (got.length === 0) await a.services.pubsub.publish('news', new TextEncoder().encode(`${Math.random()}`))
      return got.length > 0
    })
    // The one that was superseded does not fight back.
    expect(before.services.links.get(a.peerId)).toBeUndefined()
  })
})
