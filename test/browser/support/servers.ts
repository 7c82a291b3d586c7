// Before the first test: a real relay process, and the test page as a bundler would ship it. Built rather than served
// by a dev server, which reloads pages whenever it discovers a dependency.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, preview } from 'vite'

const root = join(import.meta.dirname, '..', '..', '..')

/** Build a page and serve it on a free port of this machine. */
export async function servePage(config: { root: string; configFile: string | false }) {
  const outDir = await mkdtemp(join(tmpdir(), 'holdfast-page-'))
  const output = { outDir, emptyOutDir: true, target: 'esnext', sourcemap: 'inline', minify: false } as const
  await build({ ...config, logLevel: 'warn', build: output })
  const server = await preview({
    ...config,
    logLevel: 'warn',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0, strictPort: true }
  })
  const address = server.httpServer.address()
  if (address == null || typeof address === 'string') throw new Error('the page server has no port')
  return {
    url: `http://127.0.0.1:${address.port}/`,
    async stop(): Promise<void> {
      await server.close()
      await rm(outDir, { recursive: true, force: true })
    }
  }
}

export default async function start(): Promise<() => Promise<void>> {
  const stops: Array<() => Promise<void>> = []
  const relayHelper = join(root, 'test', 'support', 'relay.ts')
  if (existsSync(relayHelper)) {
    const { startRelay } = await import(relayHelper)
    const relay = await startRelay()
    stops.push(() => relay.stop())
    process.env.HOLDFAST_RELAYS = relay.multiaddrs.map(String).join(',')
    process.env.HOLDFAST_STUN = relay.stunPort == null ? '' : `stun:127.0.0.1:${relay.stunPort}`
  }
  const page = await servePage({ root: join(import.meta.dirname, 'page'), configFile: false })
  stops.push(page.stop)
  process.env.HOLDFAST_PAGE = page.url
  return async () => {
    for (const stop of stops.reverse()) await stop()
  }
}
