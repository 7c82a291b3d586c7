import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { Uint8ArrayList } from 'uint8arraylist'
import { expect, it, onTestFinished } from 'vitest'
import { closingWebSockets } from '../../../src/node/closing-websockets.ts'

it('a dial that is given up before the socket opened leaves no socket behind', async () => {
  const server = createServer()
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const components = { logger: defaultLogger(), events: new TypedEventEmitter() }
  const transport = closingWebSockets()(components as never)
  const controller = new AbortController()
  const { port } = server.address() as AddressInfo
  const dial = transport.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws`), {
    signal: controller.signal,
    upgrader: {} as Upgrader
  })
  const [socket] = await accepted
  // It asks for an upgrade, and is never answered.
  await once(socket, 'data')
  const closed = once(socket.resume(), 'close')
  controller.abort(new Error('given up'))
  await expect(dial).rejects.toThrow()
  await closed
})

const HANDSHAKE =
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

/** A listener, and a client of it that has just got its WebSocket. */
async function accept(): Promise<{ maConn: MultiaddrConnection; socket: Socket }> {
  const accepted = Promise.withResolvers<MultiaddrConnection>()
  const components = { logger: defaultLogger(), events: new TypedEventEmitter() }
  const listener = closingWebSockets()(components as never).createListener({
    upgrader: { upgradeInbound: async (maConn: MultiaddrConnection) => accepted.resolve(maConn) } as unknown as Upgrader
  })
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0/ws'))
  onTestFinished(() => listener.close())
  const socket = connect(Number(listener.getAddrs()[0]!.getComponents()[1]!.value), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.resume().on('error', () => {})
  socket.write(HANDSHAKE)
  return { maConn: await accepted.promise, socket }
}

it('an accepted connection that is aborted leaves no socket behind', async () => {
  const { maConn, socket } = await accept()
  const closed = once(socket, 'close')
  maConn.abort(new Error('given up'))
  await closed
})

it('what is sent at once is one WebSocket message, of however many parts', async () => {
  const { maConn, socket } = await accept()
  const received: number[] = []
  socket.on('data', (data: Buffer) => received.push(...data))
  maConn.send(Uint8ArrayList.fromUint8Arrays([1, 2, 3].map((byte) => Uint8Array.of(byte))))
  // FIN and binary, three bytes, unmasked: RFC 6455 section 5.2.
  await expect.poll(() => received.slice(-5)).toEqual([0x82, 3, 1, 2, 3])
})

it('a malformed WebSocket frame ends the connection, and nothing else', async () => {
  const { socket } = await accept()
  const closed = once(socket, 'close')
  // A client's frame must be masked, and no extension has set these bits.
  socket.write(new Uint8Array([0xf1, 0x7f, 0, 0]))
  await closed
})
