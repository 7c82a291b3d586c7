// WebDriver tells nothing of a page's console. A server in front of the page's own adds a script that keeps errors from
// the first moment on.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'

declare global {
  /** Errors of this page: written to the console, thrown, rejected, and what could not be loaded. */
  var recordedErrors: string[]
}

function record(): void {
  globalThis.recordedErrors = []
  const { error } = console
  console.error = (...all: unknown[]) => {
    globalThis.recordedErrors.push(all.map((one) => (one instanceof Error ? `${one}\n${one.stack}` : one)).join(' '))
    error(...all)
  }
  const listener = (event: Event): void => {
    const { message, target } = event as ErrorEvent
    const { src, href } = (target ?? {}) as { src?: string; href?: string }
    globalThis.recordedErrors.push(message ?? `could not load ${src ?? href}`)
  }
  addEventListener('error', listener, { capture: true })
  addEventListener('unhandledrejection', ({ reason }) => {
    globalThis.recordedErrors.push(`unhandled: ${reason}\n${reason?.stack}`)
  })
}

/** Serve what `origin` serves, its documents with the recorder in them. */
export async function recordErrors(origin: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const server: Server = createServer(async (request, response) => {
    try {
      const answer = await fetch(new URL(request.url ?? '/', origin))
      const type = answer.headers.get('content-type') ?? 'text/plain'
      const body = Buffer.from(await answer.arrayBuffer())
      response.writeHead(answer.status, { 'content-type': type })
      response.end(
        type.startsWith('text/html') ? String(body).replace('<head>', `<head><script>(${record})()</script>`) : body
      )
    } catch (error) {
      response.writeHead(502).end(String(error))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address == null || typeof address === 'string') throw new Error('the recorder has no port')
  return {
    url: `http://127.0.0.1:${address.port}/`,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
