// The built page, on the loopback of the host: a secure context without certificates, and nothing that the host's network
// could carry or see. A public site of the lab would need TLS, and every browser to trust its maker.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

const started = new Map<string, Promise<string>>()

/** Serves a folder until the process ends; resolves with the URL of its `index.html`. */
export function serve(folder: string): Promise<string> {
  const url = started.get(folder) ?? listen(folder)
  started.set(folder, url)
  return url
}

async function listen(folder: string): Promise<string> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const path = join(folder, normalize(pathname.endsWith('/') ? `${pathname}index.html` : pathname))
    try {
      const body = await readFile(path)
      response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  server.listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  const address = server.address()
  if (address == null || typeof address === 'string') throw new Error('the page server has no port')
  return `http://127.0.0.1:${address.port}/`
}
