import type { Listener, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { override } from '../link/index.ts'
import { sendsWhole } from './whole-messages.ts'

/** What the stock listener gets from `ws` for each client. */
interface ServerSocket {
  on(event: 'error', listener: (error: Error) => void): void
  close(code?: number, reason?: string): void
  /** Destroys the TCP socket; `close` follows. */
  terminate(): void
}

/** The stock listener in Node.js; browsers have none. */
interface WebSocketListener extends Listener {
  readonly wsServer: { readonly options: { allowSynchronousEvents: boolean } }
  onWsServerConnection(socket: ServerSocket, request: unknown): void
}

/** "Abnormal closure": RFC 6455 section 7.4.1 reserves it for reporting, and `ws` throws when it is to be sent. */
const ABNORMAL_CLOSURE = 1006

/**
 * The stock listener, mended as that of the relay is: an accepted connection that is aborted closes its socket, which stays
 * open otherwise, and nobody ends the process by a malformed WebSocket frame, for whose error nobody listens. Of each client
 * one message is read, then it is the others' turn: 64 KiB of tiny ones at once would hold them up for a tenth of a second.
 */
export function closeAccepted(transport: Transport): void {
  const createListener = transport.createListener.bind(transport)
  transport.createListener = (options) => {
    const listener = createListener({ ...options, upgrader: accepting(options.upgrader) }) as WebSocketListener
    listener.wsServer.options.allowSynchronousEvents = false
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

function accepting(upgrader: Upgrader): Upgrader {
  return override(upgrader, {
    upgradeInbound: (maConn: MultiaddrConnection, options: Parameters<Upgrader['upgradeInbound']>[1]) =>
      upgrader.upgradeInbound(sendsWhole(maConn), options)
  })
}
