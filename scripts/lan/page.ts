// The page as a build of its own. Vite's development server would do, but it gives every file of this folder to anybody
// who asks, and a phone some hundred modules to fetch.
import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, preview } from 'vite'
import { root } from '../processes.ts'
import { relayAtThePage } from './relay-proxy.ts'

export interface BuiltPage {
  host: string
  port: number
  /** PEM. */
  certificate: { cert: string; key: string }
  relayPort: number
}

export async function serveBuilt({ host, port, certificate: { cert, key }, relayPort }: BuiltPage) {
  const outDir = await mkdtemp(join(tmpdir(), 'holdfast-lan-page-'))
  const common = { configFile: join(root, 'browser-demo', 'vite.config.ts'), logLevel: 'warn' } as const
  await build({ ...common, build: { outDir, emptyOutDir: true, sourcemap: false } })
  const server = await preview({
    ...common,
    build: { outDir },
    preview: { host, port, strictPort: true, https: { cert, key } }
  })
  relayAtThePage(server.httpServer as Server, relayPort)
  return {
    async close(): Promise<void> {
      await server.close()
      await rm(outDir, { recursive: true, force: true })
    }
  }
}
