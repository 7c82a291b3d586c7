// The built page, on the loopback of the host: a secure context without certificates, and nothing that the host's network
// could carry or see. A public site of the lab would need TLS, and every browser to trust its maker.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { extname } from 'node:path'
import type { Site } from '../protocol.ts'

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

const started = new Map<string, Promise<string>>()

/** Serves a site until the process ends; resolves with the URL of its `index.html`. */
export function serve(site: Site): Promise<string> {
  const url = started.get(site.name) ?? listen(site)
  started.set(site.name, url)
  return url
}

async function listen({ files }: Site): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const path = pathname === '/' ? '/index.html' : pathname
    const body = files[path]
    if (body == null) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': types[extname(path)] ?? 'text/plain' }).end(body)
  })
  server.listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  const address = server.address()
  if (address == null || typeof address === 'string') throw new Error('the page server has no port')
  return `http://127.0.0.1:${address.port}/`
}
