import type { Listener, Transport } from '@libp2p/interface'
import type { WebSocketsComponents, WebSocketsInit } from '@libp2p/websockets'
import { webSockets } from '@libp2p/websockets'

/** What the stock listener gets from `ws` for each client. */
interface ServerSocket {
  on(event: 'error', listener: (err: Error) => void): void
  close(code?: number, reason?: string): void
  /** Destroys the TCP socket; `close` follows. */
  terminate(): void
}

interface WebSocketListener extends Listener {
  onWsServerConnection(socket: ServerSocket, request: unknown): void
}

/** "Abnormal closure": RFC 6455 section 7.4.1 reserves it for reporting; it must not be sent, and `ws` throws. */
const ABNORMAL_CLOSURE = 1006

/**
 * The stock WebSocket transport, mended where anybody on the network could harm a server (@libp2p/websockets 10.1):
 *
 * - nobody listens for errors of an accepted WebSocket, so one malformed frame, sent before any handshake of libp2p's,
 *   ends the process;
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
      const listener = createListener(options) as WebSocketListener
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
