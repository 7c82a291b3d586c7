// A PeerId is enough: every known relay is raced, and when nothing works the error says what was tried.

import { createServer, type Server } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createNode, DEFAULTS, InvalidOptionError, type LinksInit, NoRouteError } from '../../src/index.ts'
import { deadRelay, startNode, startOwnRelay, startPair } from '../support/nodes.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { ECHO, echo, roundTrip } from '../support/transfer.ts'

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(() => relay.stop())

async function somePeerId() {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}

/** Accepts connections and never says anything: what a relay behind a broken middlebox looks like. */
async function silentServer(): Promise<number> {
  const sockets = new Set<{ destroy(): void }>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as { port: number }).port
}

describe('dialling by PeerId', () => {
  it('needs no address: the relays of this node are tried', async () => {
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
    const link = await a.services.links.dial(b.peerId)
    expect(link.state.status).toBe('relayed')
    expect(link.paths.map(({ remoteAddr }) => remoteAddr.toString())).toEqual([
      `${relay.multiaddrs[0]}/p2p-circuit/p2p/${b.peerId}`
    ])
  })

  it('finds the peer behind whichever relay it is at', async () => {
    const other = await startOwnRelay()
    const all = [...relay.multiaddrs, ...other.multiaddrs]
    const [a, b] = await Promise.all([
      startNode({ relays: all, upgrade: 'never' }),
      startNode({ relays: other.multiaddrs, upgrade: 'never' })
    ])
    const link = await a.services.links.dial(b.peerId)
    expect(link.paths[0]?.remoteAddr.toString()).toContain(other.peerId)
  })

  it('costs little more with a dead relay in front: one that refuses, and one that never answers', async () => {
    const refuses = deadRelay(await somePeerId())
    const silent = `/ip4/127.0.0.1/tcp/${await silentServer()}/ws/p2p/${await somePeerId()}`
    const b = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
    // It listens nowhere itself: what it knows of relays, it knows from its peer store.
    const a = await startNode({ upgrade: 'never' })
    const { links } = a.services
    await a.peerStore.merge(b.peerId, {
      multiaddrs: [refuses, silent, ...relay.multiaddrs].map((address) =>
        multiaddr(`${address}/p2p-circuit/p2p/${b.peerId}`)
      )
    })
    const before = performance.now()
    await links.dial(b.peerId)
    const tookMs = performance.now() - before
    // All ways have started after 200 ms.
    expect(tookMs).toBeLessThan(1_500)
  })

  it('ends in an error that names every address tried and what each answered, for a peer nobody knows', async () => {
    const [a] = await startPair(relay.multiaddrs)
    const nobody = await somePeerId()
    const before = performance.now()
    const error = await a.services.links.dial(nobody).catch((err: Error) => err)
    expect(error).toBeInstanceOf(NoRouteError)
    expect((error as Error).message).toContain(nobody.toString())
    expect((error as Error).message).toContain(relay.multiaddrs[0])
    expect((error as Error).message).toContain('NO_RESERVATION')
    expect((error as NoRouteError).attempts.length).toBe(1)
    expect(performance.now() - before).toBeLessThan(3_000)
    await expect(a.dial(nobody)).rejects.toThrow(nobody.toString())
  })

  it('ends in an error that says how to name a relay when none is known', async () => {
    const a = await startNode()
    await expect(a.services.links.dial(await somePeerId())).rejects.toThrow(/relays: \[/)
  })

  it('ends after dialTimeoutMs when nothing ever answers', async () => {
    const a = await startNode({ dialTimeoutMs: 700 })
    const peer = await somePeerId()
    const address = `/ip4/127.0.0.1/tcp/${await silentServer()}/ws/p2p/${await somePeerId()}/p2p-circuit/p2p/${peer}`
    const before = performance.now()
    await expect(a.services.links.dial(multiaddr(address))).rejects.toThrow(/dialTimeoutMs/)
    expect(performance.now() - before).toBeLessThan(2_000)
  })

  it('is cancelled by its signal, and by nobody else’s while somebody waits', async () => {
    const b = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
    const a = await startNode({ upgrade: 'never' })
    const silent = `/ip4/127.0.0.1/tcp/${await silentServer()}/ws/p2p/${await somePeerId()}/p2p-circuit/p2p/${b.peerId}`
    const controller = new AbortController()
    const cancelled = a.services.links.dial(multiaddr(silent), { signal: controller.signal })
    const waits = a.services.links.dial(multiaddr(silent), { signal: AbortSignal.timeout(600) })
    controller.abort(new Error('changed my mind'))
    await expect(cancelled).rejects.toThrow('changed my mind')
    const stillWaits = await Promise.race([waits.catch(() => 'ended'), Promise.resolve('waits')])
    expect(stillWaits).toBe('waits')
    await expect(waits).rejects.toThrow()
    expect(a.services.links.all()).toEqual([])
  })

  it('takes an address as well, and the relay in it first', async () => {
    const other = await startOwnRelay()
    const b = await startNode({ relays: [...relay.multiaddrs, ...other.multiaddrs], upgrade: 'never' })
    const a = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
    const link = await a.services.links.dial(multiaddr(`${other.multiaddrs[0]}/p2p-circuit/p2p/${b.peerId}`))
    expect(link.paths[0]?.remoteAddr.toString()).toContain(other.peerId)
  })

  it('refuses this node’s own PeerId, and addresses without one, with a reason', async () => {
    const a = await startNode({ relays: relay.multiaddrs })
    await expect(a.services.links.dial(a.peerId)).rejects.toThrow(/cannot dial itself/)
    await expect(a.services.links.dial(multiaddr('/ip4/127.0.0.1/tcp/1/ws'))).rejects.toThrow(/must end in \/p2p/)
  })

  it('lets nine peers in at once through one relay: they all have its address', async () => {
    const b = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
    await echo(b)
    const dialers = await Promise.all(
      Array.from({ length: 9 }, () => startNode({ relays: relay.multiaddrs, upgrade: 'never' }))
    )
    const echoes = await Promise.all(
      dialers.map(async (node, i) => roundTrip(await node.dialProtocol(b.peerId, ECHO), `peer ${i}`))
    )
    expect(echoes).toEqual(dialers.map((_, i) => `peer ${i}`))
    expect(b.services.links.all().length).toBe(9)
  })
})

describe('configuration', () => {
  const failure = async (init: Parameters<typeof createNode>[0]): Promise<Error> => {
    try {
      const node = await createNode(init)
      await node.stop()
    } catch (err) {
      return err as Error
    }
    throw new Error('it was accepted')
  }

  it('an unreachable relay ends in an error that names it and what to look at, and soon', async () => {
    const address = deadRelay(await somePeerId())
    const before = performance.now()
    const error = await failure({ relays: [address] })
    expect(error.name).toBe('RelayUnreachableError')
    expect(error.message).toContain(address)
    expect(error.message).toMatch(/is one running and reachable/)
    expect(performance.now() - before).toBeLessThan(15_000)
  })

  it('a relay with another PeerId ends in an error that asks about the PeerId', async () => {
    const wrong = await somePeerId()
    const error = await failure({ relays: [relay.multiaddrs[0]!.replace(relay.peerId, wrong.toString())] })
    expect(error.name).toBe('RelayUnreachableError')
    expect(error.message).toMatch(/is that its PeerId/)
    expect(error.message).toContain(wrong.toString())
  })

  it('one unreachable relay of two does not keep the node from starting', async () => {
    const b = await startNode({ relays: [deadRelay(await somePeerId()), ...relay.multiaddrs], upgrade: 'never' })
    const a = await startNode({ relays: relay.multiaddrs, upgrade: 'never' })
    expect((await a.services.links.dial(b.peerId)).state.status).toBe('relayed')
  })

  it('addresses of relays that cannot be used say what is wrong with them', async () => {
    const relayId = relay.peerId
    const wrong: Array<[string, RegExp]> = [
      ['not an address', /"not an address" is not a multiaddr: it looks like/],
      ['', /does not end in \/p2p/],
      ['/ip4/127.0.0.1/tcp/9090/ws', /does not end in \/p2p/],
      [`/ip4/127.0.0.1/tcp/9090/ws/p2p/${relayId}/p2p-circuit`, /is a circuit/],
      ['/ip4/127.0.0.1/tcp/9090/ws/p2p/12D3KooWnonsense', /does not end in a PeerId/]
    ]
    for (const [address, message] of wrong) {
      const error = await failure({ relays: [address] })
      expect(error, address).toBeInstanceOf(InvalidOptionError)
      expect(error.message).toMatch(message)
    }
  })

  it('every number out of its range is refused by an error with name, range, value and default', async () => {
    for (const name of Object.keys(DEFAULTS) as Array<keyof typeof DEFAULTS>) {
      for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e12, '5' as unknown as number]) {
        const error = await failure({ [name]: value } as LinksInit)
        expect(error, `${name} ${value}`).toBeInstanceOf(InvalidOptionError)
        expect(error.message).toMatch(
          new RegExp(`^${name} must be a number from \\d+ to \\d+, not ${value} \\(default ${DEFAULTS[name]}\\)$`)
        )
      }
    }
  })

  it('everything else that cannot be used is refused as well', async () => {
    const wrong: Array<[Parameters<typeof createNode>[0], RegExp]> = [
      [{ upgrade: 'sometimes' as 'never' }, /^upgrade must be 'auto', 'never' or a function/],
      [{ accept: 'everybody' as never }, /^accept must be a function/],
      [{ mayResume: true as never }, /^mayResume must be a function/],
      [{ identity: 'kept' }, /^identity can only be 'ephemeral' in Node.js: keep a private key yourself/],
      [{ relays: relay.multiaddrs[0] as never }, /^relays must be an array/],
      [{ stunServers: ['stun.example.org:3478'] }, /must look like stun:host:port/]
    ]
    for (const [init, message] of wrong) {
      const error = await failure(init)
      expect(error, JSON.stringify(init)).toBeInstanceOf(InvalidOptionError)
      expect(error.message).toMatch(message)
    }
  })
})
