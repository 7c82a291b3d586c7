// A wire that takes time: a TCP proxy that hands on every chunk, unchanged and in order, so much later.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface DelayedPort {
  readonly port: number
  close(): void
}

/** What goes in either direction takes `delayMs`. Bandwidth is not limited. */
export async function delayPort(target: number, delayMs: number): Promise<DelayedPort> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      sockets.add(from.setNoDelay())
      from.on('data', (chunk) => setTimeout(() => to.write(chunk), delayMs))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        setTimeout(() => to.destroy(), delayMs)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}
