import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { TestContext } from 'vitest'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createRelay, parseConfig } from '../../relay-server/index.ts'
import { vouchForPublicAddresses } from '../../relay-server/relay.ts'
import type { TestRelay } from '../support/relay.ts'
import { startRelay } from '../support/relay.ts'

const CLI = fileURLToPath(new URL('../../relay-server/cli.ts', import.meta.url))
const ECHO = '/echo/1.0.0'

/** A stock js-libp2p node. */
async function client(listen: string[] = []): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen },
    transports: [webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    // everybody comes through the relay's address here
    connectionManager: { inboundConnectionThreshold: 1_000 },
    services: { identify: identify() }
  })
  onTestFinished(async () => node.stop())
  return node
}

/** A stock node that is reachable through the relay, and its address there. */
async function listener(relayAddress: string): Promise<{ node: Libp2p; address: string }> {
  const node = await client([`${relayAddress}/p2p-circuit`])
  const address = `${relayAddress}/p2p-circuit/p2p/${node.peerId}`

  await node.handle(
    ECHO,
    (stream) => {
      stream.addEventListener('message', ({ data }) => stream.send(data))
    },
    { runOnLimitedConnection: true }
  )
  await vi.waitFor(() => expect(node.getMultiaddrs().map(String)).toContain(address), { timeout: 10_000, interval: 10 })

  return { node, address }
}

const dial = (node: Libp2p, address: string, force = false): Promise<Connection> =>
  node.dial(multiaddr(address), { force })

const echo = (connection: Connection): Promise<Stream> => connection.newStream(ECHO, { runOnLimitedConnection: true })

async function roundTrip(connection: Connection, text: string): Promise<string> {
  const stream = await echo(connection)
  const answer = new Promise<string>((resolve, reject) => {
    let received = ''
    stream.addEventListener('message', ({ data }) => {
      received += Buffer.from(data.subarray()).toString()
      if (received.length >= text.length) {
        resolve(received)
      }
    })
    stream.addEventListener('close', () => reject(new Error(`closed after '${received}'`)))
  })
  stream.send(Buffer.from(text))
  return answer
}

/** Runs the command line program to its end; one that does not end fails the test by its timeout. */
async function cli(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  const [code] = await once(child, 'close')
  return { code, ...output }
}

describe('clients through the relay', () => {
  let relay: TestRelay

  beforeAll(async () => {
    relay = await startRelay()
  })

  afterAll(() => relay.stop())

  it('two stock libp2p peers reach each other', async () => {
    const { address } = await listener(relay.multiaddrs[0]!)
    const connection = await dial(await client(), address)

    expect(connection.remoteAddr.toString()).toContain('/p2p-circuit')
    expect(await roundTrip(connection, 'hello')).toBe('hello')
  })

  it('1 GiB and 1 h are advertised, to both sides', async () => {
    const { node, address } = await listener(relay.multiaddrs[0]!)
    const dialler = await client()
    const dialled = await dial(dialler, address)
    const accepted = await vi.waitFor(() => {
      const [connection] = node.getConnections(dialler.peerId)
      expect(connection).toBeDefined()
      return connection!
    })

    for (const { limits } of [dialled, accepted]) {
      // the client has counted down its handshake
      expect(limits?.bytes).toBeLessThanOrEqual(2n ** 30n)
      expect(limits?.bytes).toBeGreaterThan(2n ** 30n - 16_384n)
      // milliseconds, as from every js relay: see `limits` in relay.ts
      expect(limits?.seconds).toBeLessThanOrEqual(3_600_000)
      expect(limits?.seconds).toBeGreaterThan(3_600_000 - 60)
    }
  })

  it('one client can hold more circuits than the 32 that libp2p allows', async () => {
    const { address } = await listener(relay.multiaddrs[0]!)
    const dialler = await client()
    const circuits: Connection[] = []

    for (let count = 0; count < 40; count++) {
      circuits.push(await dial(dialler, address, true))
    }

    expect(circuits.filter(({ status }) => status === 'open')).toHaveLength(40)
    expect(await roundTrip(circuits[0]!, 'first')).toBe('first')
    expect(await roundTrip(circuits[39]!, 'last')).toBe('last')
  })

  it('twenty clients of one address connect within one second', async () => {
    const nodes = await Promise.all(Array.from({ length: 20 }, () => client()))
    await Promise.all(nodes.map((node) => dial(node, relay.multiaddrs[0]!)))
  })

  it('rubbish on its TCP port does it no harm', async () => {
    const [, port] = /\/tcp\/(\d+)/.exec(relay.multiaddrs[0]!)!
    const upgrade = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

    for (const rubbish of [Buffer.from([0x16, 3, 1]), Buffer.from('rubbish\r\n\r\n'), Buffer.from(`${upgrade}\r\n`)]) {
      const socket = connect(Number(port), '127.0.0.1').resume()
      await once(socket, 'connect')
      socket.end(rubbish)
      await once(socket, 'close')
    }

    const silent = connect(Number(port), '127.0.0.1')
    await once(silent, 'connect')
    silent.resetAndDestroy()

    const talker = connect(Number(port), '127.0.0.1')
    talker.write(upgrade + key)
    await once(talker, 'data')
    talker.write(randomBytes(500))
    await once(talker.resume(), 'close')

    await dial(await client(), relay.multiaddrs[0]!)
    expect(relay.stderr).toBe('')
  })

  it('a wrong PeerId in its address fails, and does not hang', async () => {
    const other = (await client()).peerId
    const address = relay.multiaddrs[0]!.replace(relay.peerId, other.toString())
    await expect(dial(await client(), address)).rejects.toThrow(/does not match expected|UnexpectedPeer/i)
  })

  it('clients survive neither kill nor restart, but find the same relay again', async () => {
    const { address } = await listener(relay.multiaddrs[0]!)
    const connection = await dial(await client(), address)
    const closed = new Promise((resolve) => connection.addEventListener('close', resolve))
    const { peerId, multiaddrs, stunPort, pid } = relay

    await relay.kill()
    await closed
    await relay.restart()

    expect(relay).toMatchObject({ peerId, multiaddrs, stunPort })
    expect(relay.pid).not.toBe(pid)

    const again = await listener(relay.multiaddrs[0]!)
    expect(await roundTrip(await dial(await client(), again.address), 'again')).toBe('again')
  })
})

describe('limits', () => {
  it.each([false, true])('bytes end a circuit (stock relay: %s)', async (stock) => {
    const relay = await startRelay({ stock, limitBytes: 65_536, limitSeconds: 60 })
    onTestFinished(() => relay.stop())
    const { address } = await listener(relay.multiaddrs[0]!)
    const connection = await dial(await client(), address)
    const closed = once(connection, 'close')

    expect(connection.limits?.bytes).toBeLessThan(65_536n)
    ;(await echo(connection)).send(randomBytes(65_536))
    await closed
  })

  it('seconds end a circuit', async () => {
    const relay = await startRelay({ limitSeconds: 1 })
    onTestFinished(() => relay.stop())
    const { address } = await listener(relay.multiaddrs[0]!)
    const begun = performance.now()
    const connection = await dial(await client(), address)

    await once(connection, 'close')
    expect(performance.now() - begun).toBeGreaterThan(900)
  })

  it('without limits the connection is not limited', async () => {
    const relay = await startRelay({ limitBytes: 0, limitSeconds: 0 })
    onTestFinished(() => relay.stop())
    const { address } = await listener(relay.multiaddrs[0]!)

    expect((await dial(await client(), address)).limits).toBeUndefined()
  })

  it('the stock relay that others are compared with has stock limits', async () => {
    const relay = await startRelay({ stock: true })
    onTestFinished(() => relay.stop())
    const { address } = await listener(relay.multiaddrs[0]!)
    const { limits } = await dial(await client(), address)

    expect(limits?.bytes).toBeLessThanOrEqual(131_072n)
    expect(limits?.bytes).toBeGreaterThan(131_072n - 16_384n)
    expect(limits?.seconds).toBeGreaterThan(119_000)
    expect(limits?.seconds).toBeLessThanOrEqual(120_000)
  })
})

describe('in this process', () => {
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-relay-'))
  })

  afterEach(() => rm(directory, { recursive: true }))

  const start = async (options = {}) => {
    const identityPath = join(directory, 'identity.key')
    const relay = await createRelay(parseConfig({ port: 0, stunPort: false, identityPath, ...options }))
    onTestFinished(() => relay.stop())
    return relay
  }

  it('a client that leaves frees its place', async () => {
    const relay = await start({ maxReservations: 1 })
    const first = await listener(relay.multiaddrs[0]!)
    const left = once(relay.node, 'peer:disconnect')

    expect(relay.node.services.relay.reservations.size).toBe(1)
    await first.node.stop()
    await left
    expect(relay.node.services.relay.reservations.size).toBe(0)
    await listener(relay.multiaddrs[0]!)
  })

  it('an aborted connection frees its socket, though the client is silent', async () => {
    const relay = await start()
    const [, port] = /\/tcp\/(\d+)/.exec(relay.multiaddrs[0]!)!
    const toRelay = connect(Number(port), '127.0.0.1')
    const silenced = createServer((fromClient) => {
      fromClient.pipe(toRelay, { end: false }).pipe(fromClient)
      fromClient.on('error', () => {})
    }).listen(0, '127.0.0.1')
    onTestFinished(() => {
      silenced.close()
    })
    await once(silenced, 'listening')

    const opened = once(relay.node, 'connection:open') as Promise<[CustomEvent<Connection>]>
    const node = await client()
    await dial(node, relay.multiaddrs[0]!.replace(port!, String((silenced.address() as AddressInfo).port)))
    const [{ detail: connection }] = await opened

    // from here on the relay hears nothing, not even that the connection was closed
    toRelay.unpipe().resume()
    const closed = once(toRelay, 'close')
    connection.abort(new Error('the client vanished'))
    await closed
  }, 10_000)

  it('the relay dials nobody', async () => {
    const relay = await start()
    const other = await client(['/ip4/127.0.0.1/tcp/0/ws'])

    await expect(relay.node.dial(other.getMultiaddrs())).rejects.toMatchObject({ name: 'DialDeniedError' })
    expect(other.getConnections()).toEqual([])
  })

  it('announced addresses replace those listened on, for STUN too', async () => {
    const relay = await start({ announce: ['/dns4/relay.example/tcp/443/tls/ws'], stunPort: 0 })

    expect(relay.multiaddrs).toEqual([`/dns4/relay.example/tcp/443/tls/ws/p2p/${relay.peerId}`])
    expect(relay.stun?.urls).toEqual([`stun:relay.example:${relay.stun?.port}`])
  })

  it('a public address that it listens on needs nobody else to verify it', () => {
    const publicAddress = multiaddr('/ip4/203.0.113.7/tcp/9090/ws')
    const confirmObservedAddr = vi.fn()

    vouchForPublicAddresses({ confirmObservedAddr }, { getAddrs: () => [publicAddress] })
    expect(confirmObservedAddr).toHaveBeenCalledWith(publicAddress, expect.objectContaining({ type: 'transport' }))
  })

  it('stop() twice is stop()', async () => {
    const relay = await start({ stunPort: 0 })
    await Promise.all([relay.stop(), relay.stop()])
    await relay.stop()
  })

  it('after stop() nothing keeps the process alive', async () => {
    const script = `
      import { createRelay, parseConfig } from ${JSON.stringify(new URL('../../relay-server/index.ts', import.meta.url).href)}
      const relay = await createRelay(parseConfig({ port: 0, stunPort: 0, identityPath: process.argv[1] }))
      await relay.stop()
    `
    const args = ['--input-type=module', '--eval', script, join(directory, 'identity.key')]
    const child = spawn(process.execPath, args, { stdio: 'inherit' })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    expect(await once(child, 'exit')).toEqual([0, null])
  }, 10_000)
})

describe('STUN over UDP', () => {
  let relay: TestRelay

  beforeAll(async () => {
    relay = await startRelay()
  })

  afterAll(() => relay.stop())

  it('gives an IPv4 client its own address', async () => {
    const socket = await udpSocket('udp4')
    const { family, port, address } = await askStun(socket, relay.stunPort!, '127.0.0.1')

    expect({ family, port }).toEqual({ family: 1, port: socket.address().port })
    expect([...address]).toEqual([127, 0, 0, 1])
  })

  it('gives an IPv6 client its own address', async (context) => {
    const socket = await udpSocket('udp6').catch((err: Error) => skip(context, err))
    const { family, port, address } = await askStun(socket, relay.stunPort!, '::1')

    expect({ family, port }).toEqual({ family: 2, port: socket.address().port })
    expect(address.toString('hex')).toBe('00000000000000000000000000000001')
  })

  it('keeps answering after rubbish', async () => {
    const socket = await udpSocket('udp4')

    for (const rubbish of [Buffer.alloc(0), Buffer.from('rubbish'), randomBytes(1_400), Buffer.alloc(20)]) {
      socket.send(rubbish, relay.stunPort!, '127.0.0.1')
    }

    expect((await askStun(socket, relay.stunPort!, '127.0.0.1')).port).toBe(socket.address().port)
    expect(relay.stderr).toBe('')
  })

  function skip(context: TestContext, err: Error): never {
    console.log(`skipped: this machine has no IPv6 loopback (${err.message})`)
    return context.skip(`no IPv6 loopback: ${err.message}`)
  }

  async function udpSocket(type: dgram.SocketType): Promise<dgram.Socket> {
    const socket = dgram.createSocket(type)
    const listening = once(socket, 'listening')
    socket.bind(0, type === 'udp4' ? '127.0.0.1' : '::1')
    await listening
    onTestFinished(() => {
      socket.close()
    })
    return socket
  }

  /** The address in the answer, unmasked here and not by the code under test. */
  async function askStun(socket: dgram.Socket, serverPort: number, host: string) {
    const transactionId = randomBytes(12)
    const request = Buffer.concat([Buffer.from('000100002112a442', 'hex'), transactionId])
    const answered = once(socket, 'message', { signal: AbortSignal.timeout(5_000) })
    socket.send(request, serverPort, host)
    const [answer] = (await answered) as [Buffer]

    expect(answer.subarray(0, 2).toString('hex')).toBe('0101')
    expect(answer.subarray(4, 20)).toEqual(request.subarray(4))
    expect(answer.subarray(20, 22).toString('hex')).toBe('0020')
    const address = answer.subarray(28).map((byte, index) => byte ^ answer[4 + index]!)
    return { family: answer[25], port: answer.readUInt16BE(26) ^ 0x2112, address: Buffer.from(address) }
  }
})

describe('the command', () => {
  let directory: string
  let identity: string[]

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-relay-'))
    identity = ['--identity', join(directory, 'identity.key')]
  })

  afterEach(() => rm(directory, { recursive: true }))

  /** Starts it and reads standard output until `pattern` is there. */
  async function started(pattern: RegExp, ...args: string[]) {
    const child = spawn(process.execPath, [CLI, '--port=0', '--stun-port=0', ...identity, ...args])
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    const exited = once(child, 'exit')
    let stdout = ''

    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk) => {
        stdout += chunk
        if (pattern.test(stdout)) {
          resolve()
        }
      })
      child.stderr.on('data', (chunk) => reject(new Error(String(chunk))))
      child.once('exit', (code) => reject(new Error(`ended with ${code} after: ${stdout}`)))
    })

    return { child, exited, stdout }
  }

  it('prints its addresses, and that others cannot reach them', async () => {
    const { stdout } = await started(/opens it to others/)

    expect(stdout).toMatch(/\/ip4\/127\.0\.0\.1\/tcp\/[1-9]\d*\/ws\/p2p\/12D3KooW\w+\n/)
    expect(stdout).toMatch(/stun:127\.0\.0\.1:[1-9]\d*\n/)
    expect((await stat(identity[1]!)).mode & 0o777).toBe(0o600)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends it within 2 s with code 0, with a circuit open', async (signal) => {
    const { child, exited, stdout } = await started(/\}\n/, '--json')
    const { address } = await listener(JSON.parse(stdout).multiaddrs[0])
    const connection = await dial(await client(), address)
    expect(await roundTrip(connection, 'open')).toBe('open')

    const begun = performance.now()
    child.kill(signal)
    expect(await exited).toEqual([0, null])
    expect(performance.now() - begun).toBeLessThan(2_000)
  })

  it('ends with whoever started it, if asked to', async () => {
    const { child, exited } = await started(/\}\n/, '--json', '--exit-on-stdin-close')
    child.stdin.end()
    expect(await exited).toEqual([0, null])
  })

  it('a TCP port in use: what to do, and code 1', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const { code, stderr } = await cli(`--port=${port}`, '--no-stun', ...identity)

    expect(code).toBe(1)
    expect(stderr).toBe(
      `holdfast-relay: TCP port ${port} is in use, perhaps by another relay\n` +
        'Stop the other program, or choose another port with --port (0 for any).\n'
    )
  })

  it('a UDP port in use: what to do, and code 1', async () => {
    const socket = dgram.createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    onTestFinished(() => {
      socket.close()
    })
    const { code, stderr } = await cli('--port=0', `--stun-port=${socket.address().port}`, ...identity)

    expect(code).toBe(1)
    expect(stderr).toMatch(/UDP port \d+ \(STUN\) is in use\n.*--stun-port.*--no-stun/)
  })

  it('an IPv6 port in use is told of too, though libp2p is silent', async (context) => {
    const server = createServer().listen(0, '::1')
    await once(server, 'listening').catch((err: Error) => {
      console.log(`skipped: this machine has no IPv6 loopback (${err.message})`)
      context.skip(`no IPv6 loopback: ${err.message}`)
    })
    onTestFinished(() => {
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const { code, stderr } = await cli('--host=127.0.0.1', '--host=::1', `--port=${port}`, '--no-stun', ...identity)

    expect(code).toBe(1)
    expect(stderr).toMatch(/Cannot listen on ::1.*\n.*Leave out --host ::1/)
  })

  it.each([
    ['an address of another machine', ['--host=203.0.113.7', '--port=0'], /203\.0\.113\.7.*EADDRNOTAVAIL.*\n.*--host/],
    ['an unparsable multiaddr', ['--announce=nonsense'], /--announce 'nonsense'.*\n.*\/dns4\//],
    [
      'a wrong PeerId',
      ['--announce=/dns4/relay.example/tcp/443/tls/ws/p2p/12D3KooWQEY94KwoRF3H6aGreDRz8xvZD7qYRyYkm7g9ME8E8Uog'],
      /names peer 12D3KooWQEY94KwoRF3H6aGreDRz8xvZD7qYRyYkm7g9ME8E8Uog, but this relay is 12D3KooW.*\n.*--identity/
    ],
    ['an unknown option', ['--prot=1'], /--prot.*\n.*--help/s],
    ['a word too many', ['start'], /start.*\n.*--help/s]
  ])('%s: what to do, and code 1', async (_, args, message) => {
    const { code, stdout, stderr } = await cli(...args, ...identity)

    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  })

  it('an identity that others may read: what to do, and code 1', async () => {
    await writeFile(identity[1]!, 'secret')
    await chmod(identity[1]!, 0o644)
    const { code, stderr } = await cli('--port=0', ...identity)

    expect(code).toBe(1)
    expect(stderr).toMatch(/mode 0644.*\n.*chmod 600/)
  })

  it('--help names every option, --version the version', async () => {
    const help = await cli('--help')
    expect(help).toMatchObject({ code: 0, stderr: '' })
    for (const option of ['host', 'port', 'stun-port', 'no-stun', 'announce', 'identity', 'max-reservations', 'json']) {
      expect(help.stdout).toContain(`--${option}`)
    }
    expect(await cli('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })
})
