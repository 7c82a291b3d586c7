import type { IncomingMessage, Server } from 'node:http'
import { connect } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'

/**
 * The relay's WebSocket at the page's own port: browsers keep the exception for a self-made certificate per host and
 * port, so one accepted for the page holds for the relay as well. libp2p dials `wss://host:port/`. Not vite's `proxy`:
 * that logs two errors for everybody who leaves.
 */
export function relayAtThePage(pages: Pick<Server, 'on'>, relayPort: number): void {
  pages.on('upgrade', (request, socket, head) => {
    const relay = connect({ port: relayPort, host: '127.0.0.1', noDelay: true })
    relay.write(requestHead(request))
    relay.write(head)
    join(socket, relay)
  })
}

function requestHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Whichever ends or breaks takes the other with it; both sides notice that by themselves. */
function join(one: Duplex, other: Duplex): void {
  pipeline(one, other, one, () => {
    one.destroy()
    other.destroy()
  })
}
