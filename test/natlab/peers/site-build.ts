// The pages as a bundler ships them, built once per process.
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'vite'

const roots = {
  holdfast: join(import.meta.dirname, '../../browser/support/page'),
  stock: join(import.meta.dirname, 'stock')
}

const built = new Map<keyof typeof roots, Promise<string>>()

/** Resolves with the folder. */
export function builtSite(name: keyof typeof roots): Promise<string> {
  const folder = built.get(name) ?? buildSite(roots[name])
  built.set(name, folder)
  return folder
}

async function buildSite(root: string): Promise<string> {
  const outDir = await mkdtemp(join(tmpdir(), 'holdfast-page-'))
  process.once('exit', () => rmSync(outDir, { recursive: true, force: true }))
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    build: { outDir, emptyOutDir: true, target: 'esnext', minify: false }
  })
  return outDir
}
