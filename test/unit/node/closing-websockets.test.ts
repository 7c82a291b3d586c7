import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Upgrader } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
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
