import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { documents, root } from './markdown.ts'

// Inside the project, so that packages are found; git ignores it.
mkdirSync(join(root, '.holdfast'), { recursive: true })
const folder = mkdtempSync(join(root, '.holdfast', 'docs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the code of texts uses without importing it, so that it stays short. */
const takenForGranted = `
declare const peerId: import('@libp2p/interface').PeerId
declare const relays: string[]
declare const webSockets: typeof import('@libp2p/websockets').webSockets
declare const circuitRelayTransport: typeof import('@libp2p/circuit-relay-v2').circuitRelayTransport
declare const webRTC: typeof import('@libp2p/webrtc').webRTC
declare const identify: typeof import('@libp2p/identify').identify
`

/** `…` stands for what a reader fills in: code between braces, or the rest of a string, where it may stay. */
function withoutEllipses(code: string): string {
  return code.replace(/^\s*…\s*$/gm, '').replace(/,\s*…(?=\s*[}\])])/g, '')
}

/** What the pinned compiler says to these files, by the settings of the project. */
function compile(files: Record<string, string>): string[] {
  for (const [name, code] of Object.entries(files)) writeFileSync(join(folder, name), `${code}\nexport {}\n`)
  writeFileSync(join(folder, 'taken-for-granted.d.ts'), takenForGranted)
  const settings = {
    extends: '../../tsconfig.json',
    compilerOptions: {
      noUnusedLocals: false,
      paths: {
        'libp2p-holdfast': ['../../src/index.ts'],
        'libp2p-holdfast/natlab': ['../../test/natlab/index.ts']
      }
    },
    include: [],
    files: [...Object.keys(files), 'taken-for-granted.d.ts']
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', '.', '--noEmit', '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8'
  })
  // What is wrong in src is said by `npm run typecheck`.
  return stdout.split('\n').filter((line) => Object.keys(files).some((name) => line.startsWith(name)))
}

const snippets = Object.fromEntries(
  documents().flatMap(({ file, blocks }) =>
    blocks
      .filter(({ language }) => ['ts', 'typescript'].includes(language))
      .map(({ code }, i) => [`${file.replaceAll('/', '-')}-${i + 1}.ts`, withoutEllipses(code)])
  )
)

describe('code in texts', { timeout: 60_000 }, () => {
  it('compiles against the sources', () => {
    expect(Object.keys(snippets)).toContain('README.md-1.ts')
    expect(compile(snippets)).toEqual([])
  })

  it('would not, if it named what is not there', () => {
    expect(
      compile({ 'wrong.ts': "import { noSuchExport } from 'libp2p-holdfast'\nnoSuchExport(peerId)" })
    ).toHaveLength(1)
    expect(
      compile({ 'wrong.ts': "import { createNode } from 'libp2p-holdfast'\nawait createNode({ noSuchOption: 1 })" })
    ).toHaveLength(1)
  })
})
