// Benches run the package as it is published: from `dist`, imported by its name.
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from '../scripts/processes.ts'

const BUILD_TIMEOUT_MS = 300_000

/** Builds what is not built from the sources as they are. */
export async function ensureBuilt(): Promise<void> {
  const built = modifiedAt(join(root, 'dist/src/index.js'))
  const sources = globSync('src/**/*.ts', { cwd: root }).map((file) => modifiedAt(join(root, file)))
  if (built > Math.max(...sources)) return
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { code } = await run(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    timeoutMs: BUILD_TIMEOUT_MS,
    stdio: ['ignore', 'ignore', 'inherit']
  })
  if (code !== 0) throw new Error('The package does not build: see `npm run build`')
}

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
