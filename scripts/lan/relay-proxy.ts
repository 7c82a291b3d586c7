import type { ProxyOptions } from 'vite'

/**
 * The relay's WebSocket at the page's own port: browsers keep the exception for a self-made certificate per host and
 * port, so one accepted for the page holds for the relay as well. libp2p dials `wss://host:port/`; vite's own sockets
 * name their sub-protocol.
 */
export function relayAtThePage(relayPort: number): Record<string, ProxyOptions> {
  return {
    '^/$': {
      target: `ws://127.0.0.1:${relayPort}`,
      ws: true,
      bypass(request, response) {
        const isRelays = response == null && !request.headers['sec-websocket-protocol']?.startsWith('vite-')
        return isRelays ? undefined : request.url
      }
    }
  }
}
