// Invariant 8. The wire between a peer and the relay is recorded, and so that the recording is exactly what the relay sees,
// that hop is not encrypted here: what protects is the carrier's own encryption, end to end.
import { connect, createServer, type Server, type Socket } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { plaintext } from '@libp2p/plaintext'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it } from 'vitest'
import { SessionPath } from '../../src/path/index.ts'
import type { Frame } from '../../src/wire/index.ts'
import { eventually } from '../support/wait-for.ts'
import { carriersOf, type NodeInit, startNode } from './support/carriers.ts'
import { Recorder } from './support/recorder.ts'

const SECRETS = {
  dialler: 'the quick brown fox jumps over the lazy dog',
  listener: 'sphinx of black quartz, judge my vow'
}

/** Every byte through it, in each direction. */
class RecordingProxy {
  readonly #toRelay: Buffer[] = []
  readonly #fromRelay: Buffer[] = []
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  async start(relayPort: number): Promise<number> {
    const server = createServer((client) => {
      const relay = connect(relayPort, '127.0.0.1')
      for (const [from, to, log] of [
        [client, relay, this.#toRelay],
        [relay, client, this.#fromRelay]
      ] as const) {
        this.#sockets.add(from)
        from.on('data', (bytes) => log.push(Buffer.from(bytes)))
        from.on('error', () => to.destroy())
        from.pipe(to)
      }
    })
    this.#server = server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as { port: number }).port
  }

  get toRelay(): Buffer {
    return Buffer.concat(this.#toRelay)
  }

  get fromRelay(): Buffer {
    return Buffer.concat(this.#fromRelay)
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server?.close()
  }
}

describe('what a relay sees of a path', () => {
  const cleanUps: Array<() => unknown> = []

  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  })

  /** Both sides send their secret over the relayed path; resolves with what passed between dialler and relay. */
  async function record(peers: NodeInit['encrypters']): Promise<RecordingProxy> {
    const start = async (init: NodeInit): ReturnType<typeof startNode> => {
      const node = await startNode(init)
      cleanUps.push(() => node.stop())
      return node
    }
    // TCP, not WebSocket: browsers' frames are masked, and nothing would be found in those even if it was there.
    const relay = await start({ listen: ['/ip4/127.0.0.1/tcp/0'], relay: true, encrypters: [plaintext()] })
    const relayAddr = relay.getMultiaddrs()[0]!
    const proxy = new RecordingProxy()
    cleanUps.push(() => proxy.stop())
    const port = await proxy.start(Number(relayAddr.getComponents().find(({ name }) => name === 'tcp')!.value))
    const listener = await start({ listen: [`${relayAddr}/p2p-circuit`], encrypters: peers })
    const dialler = await start({ encrypters: peers })
    await eventually('a reservation', () => listener.getMultiaddrs().length > 0)
    const address = multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${relay.peerId}/p2p-circuit/p2p/${listener.peerId}`)
    const carriers = await carriersOf({ kind: 'relayed', dialler, listener, address, stop: async () => {} })

    const ends = await carriers.open()
    const recorders = { dialler: new Recorder(), listener: new Recorder() }
    const paths = {
      dialler: new SessionPath({ ...ends.dialler, handler: recorders.dialler }),
      listener: new SessionPath({ ...ends.listener, handler: recorders.listener })
    }
    for (const name of ['dialler', 'listener'] as const) {
      expect(paths[name].kind).toBe('relayed')
      const data = new TextEncoder().encode(SECRETS[name])
      const frame: Frame = { type: 'stream', stream: 0, offset: 0, fin: true, data }
      paths[name].write([frame])
    }
    await recorders.dialler.until(() => recorders.dialler.frames.length > 0)
    await recorders.listener.until(() => recorders.listener.frames.length > 0)
    // The recording works: the circuit was asked for here.
    expect(proxy.toRelay.includes('/libp2p/circuit/relay/0.2.0/hop')).toBe(true)
    return proxy
  }

  it('is not what the peers say', async () => {
    const proxy = await record([noise(), plaintext()])
    expect(proxy.toRelay.includes(SECRETS.dialler)).toBe(false)
    expect(proxy.fromRelay.includes(SECRETS.listener)).toBe(false)
  })

  it('would be, were the carrier not encrypted end to end: this test can fail', async () => {
    const proxy = await record([plaintext()])
    expect(proxy.toRelay.includes(SECRETS.dialler)).toBe(true)
    expect(proxy.fromRelay.includes(SECRETS.listener)).toBe(true)
  })
})
