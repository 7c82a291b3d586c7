import type { AbortOptions, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import type { Multiaddr } from '@multiformats/multiaddr'
import { override } from '../link/index.ts'
import { closeAccepted } from './accepting-websockets.ts'
import { sendsWhole } from './whole-messages.ts'

/**
 * The stock WebSocket transport, whose connections close when they are aborted: stock ones call `close(1006)`, which
 * throws, as RFC 6455 section 7.4.1 reserves that code, and leave the socket open (@libp2p/websockets 10.1). A relay keeps
 * the reservation of such a ghost, and the page that held it does not get into the back/forward cache.
 */
export function closingWebSockets(): (components: never) => Transport {
  const create = webSockets() as (components: never) => Transport
  return (components) => {
    const transport = create(components)
    closeWhenGivenUp(transport)
    closeAccepted(transport)
    const dial = transport.dial.bind(transport)
    transport.dial = (address, options) => dial(address, { ...options, upgrader: closing(options.upgrader) })
    return transport
  }
}

/** The part of the stock transport that waits for a socket to open. */
interface Connecting {
  _connect(address: Multiaddr, options: AbortOptions): Promise<WebSocket>
}

/**
 * A dial that is aborted leaves its socket connecting, unless the signal does not look aborted: stock closes it for every
 * other error. Browsers open one socket per host at a time, so the next dial would wait for TCP to give up on this one.
 */
function closeWhenGivenUp(transport: Transport): void {
  const stock = transport as Transport & Connecting
  const connect = stock._connect.bind(transport)
  stock._connect = async (address, options) => {
    const { signal } = options
    return connect(address, { ...options, signal: signal == null ? signal : override(signal, { aborted: false }) })
  }
}

function closing(upgrader: Upgrader): Upgrader {
  return override(upgrader, {
    upgradeOutbound: (maConn: MultiaddrConnection, options: Parameters<Upgrader['upgradeOutbound']>[1]) =>
      upgrader.upgradeOutbound(sendsWhole(closesOnAbort(maConn)), options)
  })
}

function closesOnAbort(maConn: MultiaddrConnection): MultiaddrConnection {
  const { websocket } = maConn as MultiaddrConnection & { websocket?: WebSocket & { terminate?: () => void } }
  // Node's `ws` can destroy the socket; browsers say good-bye, and forget the socket when the page does.
  if (websocket != null) {
    Object.assign(maConn, {
      sendReset: () => (websocket.terminate == null ? websocket.close() : websocket.terminate())
    })
  }
  return maConn
}
