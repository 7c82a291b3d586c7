// A peer that breaks the protocol loses its path, by a named error. Nobody else loses anything.
// The peer here is stock libp2p that speaks the session protocol by hand.
import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { Uint8ArrayList } from 'uint8arraylist'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { HoldfastNode, Link } from '../../src/index.ts'
import { encodeFrame, type Frame, FrameDecoder, SESSION_PROTOCOL } from '../../src/wire/index.ts'
import { startNode, startPair, startStockNode } from '../support/nodes.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { ECHO, echo, randomBytes, roundTrip } from '../support/transfer.ts'
import { eventually, waitFor, within } from '../support/wait-for.ts'

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(() => relay.stop())

const WINDOWS = { streamWindow: 1_048_576, sessionWindow: 4_194_304 }

/** One path of a hand-made peer. */
class RawPath {
  readonly frames: Frame[] = []
  readonly stream: Stream
  readonly #decoder = new FrameDecoder()

  constructor(stream: Stream) {
    this.stream = stream
    stream.addEventListener('message', ({ data }) => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) {
        for (const frame of this.#decoder.push(chunk)) this.frames.push(frame)
      }
    })
  }

  send(...frames: Frame[]): void {
    this.bytes(...frames.flatMap((frame) => [...encodeFrame(frame)]))
  }

  bytes(...bytes: Uint8Array[]): void {
    this.stream.send(Uint8ArrayList.fromUint8Arrays(bytes))
  }

  async frame<T extends Frame['type']>(type: T): Promise<Extract<Frame, { type: T }>> {
    const find = () => this.frames.find((frame) => frame.type === type)
    await eventually(`a ${type} frame`, () => find() != null)
    return find() as Extract<Frame, { type: T }>
  }

  async ended(): Promise<void> {
    if (this.stream.status !== 'open') return
    await within(5_000, 'the end of the path', waitFor(this.stream, 'close'))
  }
}

class RawPeer {
  readonly instance = crypto.getRandomValues(new Uint8Array(16))
  readonly node: Libp2p
  readonly victim: HoldfastNode
  #paths = 0

  constructor(node: Libp2p, victim: HoldfastNode) {
    this.node = node
    this.victim = victim
  }

  get side(): 0 | 1 {
    return this.node.peerId.toString() < this.victim.peerId.toString() ? 0 : 1
  }

  /** The least id of a stream this peer may open. */
  get ownStream(): number {
    return this.side
  }

  async carrier(via: 'relayed' | 'direct' = 'relayed'): Promise<Connection> {
    const address =
      via === 'relayed'
        ? multiaddr(`${relay.multiaddrs[0]}/p2p-circuit/p2p/${this.victim.peerId}`)
        : this.victim.getMultiaddrs().find((address) => !address.toString().includes('p2p-circuit'))!
    return this.node.dial(address, { force: true })
  }

  async path(connection?: Connection): Promise<RawPath> {
    connection ??= await this.carrier()
    return new RawPath(await connection.newStream(SESSION_PROTOCOL, { runOnLimitedConnection: true }))
  }

  hello(): Extract<Frame, { type: 'hello' }> {
    return { type: 'hello', instance: this.instance, path: this.#paths++ * 2 + this.side, epoch: 0, ...WINDOWS }
  }

  /** Through the handshake. */
  async attached(connection?: Connection): Promise<RawPath> {
    const path = await this.path(connection)
    path.send(this.hello())
    const { instance, epoch } = await path.frame('hello')
    path.send({ type: 'confirm', instance, epoch })
    await eventually('the path at the victim', () => this.link != null)
    return path
  }

  get link(): Link | undefined {
    return this.victim.services.links.get(this.node.peerId)
  }
}

interface Setup {
  readonly victim: HoldfastNode
  readonly raw: RawPeer
  /** Says that a peer in good order notices nothing. */
  stillWell(): Promise<void>
}

async function setUp(): Promise<Setup> {
  const [victim, friend] = await startPair(relay.multiaddrs, { upgrade: 'never', closeTimeoutMs: 100 })
  const stock = await startStockNode()
  await echo(victim)
  const stream = await friend.dialProtocol(victim.peerId, ECHO)
  await roundTrip(stream, 'before')
  return {
    victim,
    raw: new RawPeer(stock, victim),
    async stillWell() {
      expect(await roundTrip(stream, 'after')).toBe('after')
    }
  }
}

/** Why the victim closed this peer's path. */
function causes(link: Link): string[] {
  const all: string[] = []
  const listener = ({ detail }: CustomEvent<{ cause: string }>): void => {
    all.push(detail.cause)
  }
  link.addEventListener('path:close', listener)
  onTestFinished(() => link.removeEventListener('path:close', listener))
  return all
}

describe('on an attached path', () => {
  const stream = (peer: RawPeer, init: Partial<Extract<Frame, { type: 'stream' }>> = {}): Frame => ({
    type: 'stream',
    stream: peer.ownStream,
    offset: 0,
    fin: false,
    data: new Uint8Array(0),
    ...init
  })

  const cases: Array<[name: string, cause: RegExp, send: (path: RawPath, peer: RawPeer) => void]> = [
    [
      'a frame longer than 65,536 bytes',
      /65.?536|too long|exceeds/i,
      (path) => path.bytes(new Uint8Array([0xff, 0xff, 0x7f]))
    ],
    ['an unknown frame type', /type/i, (path) => path.bytes(new Uint8Array([2, 99, 0]))],
    ['garbage', /./, (path) => path.bytes(randomBytes(50_000, 77))],
    ['a frame with bytes behind its last field', /./, (path) => path.bytes(new Uint8Array([3, 9, 7, 7]))],
    ['a HELLO after the handshake', /HELLO|hello/, (path, peer) => path.send(peer.hello())],
    [
      'data beyond the credit of a stream',
      /credit|window/i,
      (path, peer) => path.send(stream(peer, { offset: WINDOWS.streamWindow, data: new Uint8Array(1) }))
    ],
    [
      'data beyond the credit of the session',
      /credit|window/i,
      (path, peer) => {
        for (let i = 0; i < 6; i++) {
          path.send(
            stream(peer, { stream: peer.ownStream + 2 * i, offset: WINDOWS.streamWindow - 1, data: new Uint8Array(1) })
          )
        }
      }
    ],
    [
      'an acknowledgement of what was never sent',
      /acknowledged/i,
      (path) =>
        path.send(
          { type: 'ack', path: 0, sequence: 1_000, delayMs: 0 },
          { type: 'ack', path: 1, sequence: 1_000, delayMs: 0 }
        )
    ],
    ['a stream of our own side', /stream/i, (path, peer) => path.send(stream(peer, { stream: 100 + (1 - peer.side) }))],
    [
      'more streams than are allowed at once',
      /stream/i,
      (path, peer) => path.send(stream(peer, { stream: peer.ownStream + 2 * 2_000 }))
    ],
    [
      'two final sizes of one stream',
      /ended a stream at 5 and then at 12/,
      (path, peer) =>
        path.send(
          stream(peer, { data: new Uint8Array(5), fin: true }),
          stream(peer, { offset: 7, data: new Uint8Array(5), fin: true })
        )
    ],
    [
      'more gaps than are kept',
      /gap/i,
      (path, peer) => {
        for (let i = 1; i < 100; i++) path.send(stream(peer, { offset: i * 20, data: new Uint8Array(5) }))
      }
    ]
  ]

  it.each(cases)('%s aborts it with a named error; other peers notice nothing', async (_name, cause, send) => {
    const { raw, stillWell } = await setUp()
    const path = await raw.attached()
    const closed = causes(raw.link!)
    send(path, raw)
    await path.ended()
    await eventually('the cause', () => closed.length > 0)
    expect(closed[0]).toMatch(cause)
    await stillWell()
  })

  it('a carrier cut off in the middle of a frame says how many bytes were held', async () => {
    const { raw, stillWell } = await setUp()
    const path = await raw.attached()
    const closed = causes(raw.link!)
    path.bytes(new Uint8Array([100, 2, 0]))
    await path.stream.close()
    await eventually('the cause', () => closed.length > 0)
    expect(closed[0]).toMatch(/3 bytes into a frame/)
    await stillWell()
  })

  it('a bad path takes no other path of the same link with it', async () => {
    const { raw } = await setUp()
    const first = await raw.attached()
    const second = await raw.attached()
    await eventually('two paths', () => raw.link?.paths.length === 2)
    first.bytes(new Uint8Array([2, 99, 0]))
    await first.ended()
    expect(raw.link?.paths.length).toBe(1)
    second.send({ type: 'ping', nonce: 5 })
    expect(await second.frame('pong')).toMatchObject({ nonce: 5 })
  })

  it('no more than four paths are attached', async () => {
    const { raw, stillWell } = await setUp()
    for (let i = 0; i < 4; i++) await raw.attached()
    await eventually('four paths', () => raw.link?.paths.length === 4)
    const fifth = await raw.path()
    fifth.send(raw.hello())
    const { instance, epoch } = await fifth.frame('hello')
    fifth.send({ type: 'confirm', instance, epoch })
    await fifth.ended()
    expect(raw.link?.paths.length).toBe(4)
    await stillWell()
  })

  it('frames that ask for answers without end are not answered without end', async () => {
    const { raw, victim, stillWell } = await setUp()
    const path = await raw.attached()
    for (let i = 0; i < 200; i++) {
      path.send(...Array.from({ length: 100 }, (_, n): Frame => ({ type: 'ping', nonce: i * 100 + n })))
    }
    await eventually('the last answer', () =>
      path.frames.some((frame) => frame.type === 'pong' && frame.nonce === 19_999)
    )
    // One answer per task, not one per question.
    expect(path.frames.filter(({ type }) => type === 'pong').length).toBeLessThan(2_000)
    expect(victim.services.links.all().length).toBe(2)
    await stillWell()
  })
})

describe('during the handshake', () => {
  const cases: Array<[name: string, send: (path: RawPath, peer: RawPeer) => Promise<void> | void]> = [
    ['another frame first', (path) => path.send({ type: 'ping', nonce: 1 })],
    ['garbage', (path) => path.bytes(randomBytes(10_000, 3))],
    ['a path id of the other side', (path, peer) => path.send({ ...peer.hello(), path: 4 + (1 - peer.side) })],
    [
      'a CONFIRM for another peer’s session',
      async (path, peer) => {
        path.send(peer.hello())
        const { epoch } = await path.frame('hello')
        path.send({ type: 'confirm', instance: crypto.getRandomValues(new Uint8Array(16)), epoch })
      }
    ],
    [
      'data before CONFIRM',
      async (path, peer) => {
        path.send(peer.hello())
        await path.frame('hello')
        path.send({ type: 'stream', stream: peer.ownStream, offset: 0, fin: false, data: new Uint8Array(3) })
      }
    ]
  ]

  it.each(cases)('%s ends it, and there is no link', async (_name, send) => {
    const { raw, victim, stillWell } = await setUp()
    const path = await raw.path()
    await send(path, raw)
    await path.ended()
    expect(raw.link).toBeUndefined()
    expect(victim.services.links.all().length).toBe(1)
    await stillWell()
  })

  it('silence ends it after handshakeTimeoutMs', async () => {
    const victim = await startNode({
      relays: relay.multiaddrs,
      upgrade: 'never',
      handshakeTimeoutMs: 300,
      closeTimeoutMs: 100
    })
    const raw = new RawPeer(await startStockNode(), victim)
    const silent = await raw.path()
    const before = performance.now()
    await silent.ended()
    expect(performance.now() - before).toBeLessThan(2_000)
    const half = await raw.path()
    half.send(raw.hello())
    await half.frame('hello')
    await half.ended()
    expect(raw.link).toBeUndefined()
  })

  it('a handshake that names the session of another peer attaches nothing to it', async () => {
    const { raw, victim, stillWell } = await setUp()
    const friend = victim.services.links.all()[0]!
    const path = await raw.path()
    path.send(raw.hello())
    const { instance } = await path.frame('hello')
    // Whatever it claims, the carrier says who it is: this is a session of its own.
    path.send({ type: 'confirm', instance, epoch: 0 })
    await eventually('a link of its own', () => raw.link != null)
    expect(raw.link).not.toBe(friend)
    expect(friend.paths.length).toBe(1)
    await stillWell()
  })
})

describe('by a peer we dial', () => {
  it('a wrong answer to our HELLO ends the dial with an error that says so', async () => {
    const stock = await startStockNode({ relays: relay.multiaddrs })
    const ours = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
    await stock.handle(
      SESSION_PROTOCOL,
      (stream) => {
        stream.send(new Uint8Array([2, 99, 0]))
      },
      { runOnLimitedConnection: true }
    )
    const error = await ours.services.links.dial(stock.peerId).catch((err: Error) => err)
    expect((error as Error).name).toBe('NoRouteError')
    expect(ours.services.links.all()).toEqual([])
    expect(ours.getConnections(stock.peerId)).toEqual([])
  })

  it('no answer at all ends the dial after handshakeTimeoutMs', async () => {
    const stock = await startStockNode({ relays: relay.multiaddrs })
    const ours = await startNode({
      relays: relay.multiaddrs,
      upgrade: 'never',
      handshakeTimeoutMs: 300,
      closeTimeoutMs: 100
    })
    await stock.handle(SESSION_PROTOCOL, () => {}, { runOnLimitedConnection: true })
    const before = performance.now()
    await expect(ours.services.links.dial(stock.peerId)).rejects.toThrow()
    expect(performance.now() - before).toBeLessThan(3_000)
    expect(ours.services.links.all()).toEqual([])
  })
})

describe('after it broke the protocol', () => {
  const BAD_FRAME = new Uint8Array([2, 99, 0])

  it('its next circuits are refused before any handshake; a second later it may try again', async () => {
    const { raw, victim, stillWell } = await setUp()
    const path = await raw.attached()
    const opened = inboundConnections(victim, raw.node.peerId)
    path.bytes(BAD_FRAME)
    await path.ended()
    for (let i = 0; i < 5; i++) await expect(raw.carrier()).rejects.toThrow(/CONNECTION_FAILED/)
    expect(opened).toEqual([])
    await stillWell()
    await eventually('the end of the refusal', () =>
      raw.carrier().then(
        () => true,
        () => false
      )
    )
    await raw.attached()
  })

  it('its direct carriers are closed, and the one that carried the offence; the gater of the node is asked for others only', async () => {
    const asked: string[] = []
    const gater = {
      denyDialMultiaddr: () => false,
      denyInboundEncryptedConnection: async (peer: PeerId) => {
        asked.push(peer.toString())
        return peer.equals(unwanted.peerId)
      }
    }
    const own = { ...gater }
    const unwanted = await startStockNode()
    const victim = await startNode({
      listen: ['/ip4/127.0.0.1/tcp/0/ws'],
      upgrade: 'never',
      closeTimeoutMs: 100,
      libp2p: { connectionGater: gater }
    })
    const raw = new RawPeer(await startStockNode(), victim)
    const path = await raw.attached(await raw.carrier('direct'))
    const carrier = victim.getConnections(raw.node.peerId).find(({ limits }) => limits != null)!
    path.bytes(BAD_FRAME)
    await eventually('the end of the carrier', () => carrier.status !== 'open')
    const opened = inboundConnections(victim, raw.node.peerId)
    asked.length = 0
    await raw.carrier('direct').then(
      (connection) => waitFor(connection, 'close'),
      () => {}
    )
    await new RawPeer(unwanted, victim).carrier('direct').then(
      (connection) => waitFor(connection, 'close'),
      () => {}
    )
    expect(opened).toEqual([])
    expect(asked).toEqual([unwanted.peerId.toString()])
    // It may be the gater of other nodes as well.
    expect(gater).toEqual(own)
  })

  it('a living link of it stays, with the paths that are in order, and takes no others for a while', async () => {
    const { raw } = await setUp()
    const first = await raw.attached()
    const second = await raw.attached()
    const spare = await raw.carrier()
    await eventually('two paths', () => raw.link?.paths.length === 2)
    const { link } = raw
    first.bytes(BAD_FRAME)
    await first.ended()
    // Depending on when the refusal comes, the stream ends while it is negotiated or just after.
    await raw.path(spare).then(
      (path) => path.ended(),
      () => {}
    )
    second.send({ type: 'ping', nonce: 5 })
    expect(await second.frame('pong')).toMatchObject({ nonce: 5 })
    expect(raw.link).toBe(link)
    expect(link!.paths.length).toBe(1)
  })

  it('a peer that began a hundred sessions in a few seconds is refused too', async () => {
    const { raw, stillWell } = await setUp()
    for (let i = 0; i < 101; i++) await visit(raw)
    await expect(raw.carrier()).rejects.toThrow(/CONNECTION_FAILED/)
    await stillWell()
  })

  it('a peer whose connections are lost again and again is not', async () => {
    const { raw } = await setUp()
    for (let i = 0; i < 30; i++) await visit(raw)
    await raw.carrier()
  })

  /** A link that is lost in the middle of a frame. */
  async function visit(raw: RawPeer): Promise<void> {
    const visitor = new RawPeer(raw.node, raw.victim)
    const connection = await visitor.carrier()
    const before = raw.link
    const path = await visitor.attached(connection)
    await eventually('a link of its own, or a refusal', () => raw.link !== before || path.stream.status !== 'open')
    if (path.stream.status !== 'open') return
    path.bytes(new Uint8Array([100, 2, 0]))
    connection.abort(new Error('lost'))
  }

  function inboundConnections(victim: HoldfastNode, peer: PeerId): Connection[] {
    const opened: Connection[] = []
    victim.addEventListener('connection:open', ({ detail }) => {
      if (detail.remotePeer.equals(peer)) opened.push(detail)
    })
    return opened
  }
})

it('memory stays bounded while peers send bad input for a while', async () => {
  const { victim, stillWell } = await setUp()
  const hostile = await Promise.all(Array.from({ length: 40 }, () => startStockNode()))
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  for (const [round, node] of hostile.entries()) {
    const path = await new RawPeer(node, victim).path()
    path.bytes(randomBytes(60_000, round + 1))
    await path.ended()
  }
  expect(victim.services.links.all().length).toBe(1)
  const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before
  expect(grown).toBeLessThan(64_000_000)
  await stillWell()
})
