// The pages as a bundler ships them, built once per process and kept in memory: test runners end without a chance to remove
// files.
import { join } from 'node:path'
import { build, type Rolldown } from 'vite'
import type { Site } from './protocol.ts'

const roots = {
  holdfast: join(import.meta.dirname, '../../browser/support/page'),
  stock: join(import.meta.dirname, 'stock')
}

const built = new Map<keyof typeof roots, Promise<Site>>()

export function builtSite(name: keyof typeof roots): Promise<Site> {
  const site = built.get(name) ?? buildSite(name)
  built.set(name, site)
  return site
}

async function buildSite(name: keyof typeof roots): Promise<Site> {
  const { output } = (await build({
    root: roots[name],
    configFile: false,
    logLevel: 'warn',
    build: { write: false, target: 'esnext', minify: false }
  })) as Rolldown.RolldownOutput
  const files = output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : String(file.source)])
  return { name, files: Object.fromEntries(files) }
}
