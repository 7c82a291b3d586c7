import type { Listener, Transport } from '@libp2p/interface'

/** What the stock listener gets from `ws` for each client. */
interface ServerSocket {
  on(event: 'error', listener: (error: Error) => void): void
  close(code?: number, reason?: string): void
  /** Destroys the TCP socket; `close` follows. */
  terminate(): void
}

/** The stock listener in Node.js; browsers have none. */
interface WebSocketListener extends Listener {
  onWsServerConnection(socket: ServerSocket, request: unknown): void
}

/** "Abnormal closure": RFC 6455 section 7.4.1 reserves it for reporting, and `ws` throws when it is to be sent. */
const ABNORMAL_CLOSURE = 1006

/**
 * The stock listener, mended as that of the relay is: an accepted connection that is aborted closes its socket, which stays
 * open otherwise, and nobody ends the process by a malformed WebSocket frame, for whose error nobody listens.
 */
export function closeAccepted(transport: Transport): void {
  const createListener = transport.createListener.bind(transport)
  transport.createListener = (options) => {
    const listener = createListener(options) as WebSocketListener
    const accept = listener.onWsServerConnection.bind(listener)
    listener.onWsServerConnection = (socket, request) => {
      const close = socket.close.bind(socket)
      socket.close = (code, reason) => (code === ABNORMAL_CLOSURE ? socket.terminate() : close(code, reason))
      socket.on('error', () => socket.terminate())
      accept(socket, request)
    }
    return listener
  }
}
