import type { Listener, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { WebSocketsComponents, WebSocketsInit } from '@libp2p/websockets'
import { webSockets } from '@libp2p/websockets'
import { Uint8ArrayList } from 'uint8arraylist'

/** What the stock listener gets from `ws` for each client. */
interface ServerSocket {
  on(event: 'error', listener: (err: Error) => void): void
  close(code?: number, reason?: string): void
  /** Destroys the TCP socket; `close` follows. */
  terminate(): void
}

interface WebSocketListener extends Listener {
  readonly wsServer: { readonly options: { allowSynchronousEvents: boolean } }
  onWsServerConnection(socket: ServerSocket, request: unknown): void
}

/** What the stock connection does with bytes to send. */
interface Sending {
  sendData(data: Uint8ArrayList): SendResult
}

/** "Abnormal closure": RFC 6455 section 7.4.1 reserves it for reporting; it must not be sent, and `ws` throws. */
const ABNORMAL_CLOSURE = 1006

/**
 * The stock WebSocket transport, mended where anybody on the network could harm a server (@libp2p/websockets 10.1):
 *
 * - nobody listens for errors of an accepted WebSocket, so one malformed frame, sent before any handshake of libp2p's,
 *   ends the process;
 * - each part of what is sent becomes a WebSocket message of its own, six for one that is passed on;
 * - all messages that came from a client are read at once: 64 KiB of tiny ones hold up all others for a tenth of a second;
 * - aborting a connection calls `close(1006)`, which throws, and the TCP socket of a client that vanished stays open.
 *
 * When the listener no longer has the method that is wrapped here, listening fails: look whether this is still needed.
 */
export function hardenedWebSockets(init: WebSocketsInit = {}): (components: WebSocketsComponents) => Transport {
  return (components) => {
    const log = components.logger.forComponent('holdfast:relay:websockets')
    const transport = webSockets(init)(components)
    const createListener = transport.createListener.bind(transport)

    transport.createListener = (options) => {
      const listener = createListener({ ...options, upgrader: sendingWhole(options.upgrader) }) as WebSocketListener
      listener.wsServer.options.allowSynchronousEvents = false
      const accept = listener.onWsServerConnection.bind(listener)

      listener.onWsServerConnection = (socket, request) => {
        const close = socket.close.bind(socket)

        socket.close = (code, reason) => (code === ABNORMAL_CLOSURE ? socket.terminate() : close(code, reason))
        socket.on('error', (err) => {
          log.error('WebSocket ended by an error - %e', err)
          socket.terminate()
        })
        accept(socket, request)
      }

      return listener
    }

    return transport
  }
}

/** Everything but the connections that it is given stays as it is. */
function sendingWhole(upgrader: Upgrader): Upgrader {
  return new Proxy(upgrader, {
    get(target, property) {
      const value = Reflect.get(target, property)
      if (typeof value !== 'function') return value
      if (property !== 'upgradeInbound') return value.bind(target)
      return (maConn: MultiaddrConnection & Sending, options: Parameters<Upgrader['upgradeInbound']>[1]) => {
        const sendData = maConn.sendData.bind(maConn)
        maConn.sendData = (data) => sendData(new Uint8ArrayList(data.subarray()))
        return target.upgradeInbound(maConn, options)
      }
    }
  })
}
