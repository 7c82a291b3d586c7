import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { whyNoLab } from './index.ts'

const reason = await whyNoLab()
if (reason != null) console.log(`Skipped: ${reason}`)

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'holdfast-natlab-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }

/** The package as npm would install it, as far as the lab needs it. */
function install(): void {
  const home = join(folder, 'node_modules/libp2p-holdfast')
  mkdirSync(home, { recursive: true })
  cpSync(join(root, 'package.json'), join(home, 'package.json'))
  for (const file of files.filter((name) => name.startsWith('test/'))) {
    cpSync(join(root, file), join(home, file), { recursive: true })
  }
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const out = ['--outDir', join(home, 'dist')]
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...out], {
    cwd: root,
    encoding: 'utf8'
  })
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
}

describe.skipIf(reason != null)('libp2p-holdfast/natlab', () => {
  it('is built, and the example of its document runs with it', { timeout: 120_000 }, () => {
    install()
    const document = readFileSync(join(root, 'docs/NATLAB.md'), 'utf8')
    const example = /^```ts\n([\s\S]*?)^```$/m.exec(document)?.[1] ?? ''
    expect(example.trim().split(/\n+/).length).toBeLessThanOrEqual(20)
    writeFileSync(join(folder, 'example.mts'), example)
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(folder, 'example.mts')], {
      encoding: 'utf8',
      timeout: 60_000
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const lines = stdout.trim().split(/\n+/)
    expect(lines).toHaveLength(2)
    // What each line expects before the colon is what the server saw, after it.
    for (const line of lines) expect(line).toMatch(/(44\.128\.0\.\d+): \1$/)
  })
})
