// What a user does: install the package into an empty folder, type-check a small program, run it in Node and, built by
// Vite, in a browser, and start the relay that comes with it. Nothing here sees the sources: it is the tarball that counts.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBrowsers } from '../../scripts/browsers.ts'
import { launchBrowser } from '../browser/support/launch.ts'
import { servePage } from '../browser/support/servers.ts'

const root = join(import.meta.dirname, '..', '..')
const windows = process.platform === 'win32'

// The Node that runs this test, also for npm and npx; and none of the settings of the npm that started this test.
const env = Object.fromEntries([
  ...Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name)),
  ['PATH', [dirname(process.execPath), process.env.PATH].join(delimiter)]
])

const program = `import { createNode } from 'libp2p-holdfast'

/** Two nodes, one dials the other by its PeerId alone. */
export async function meet(relays: string[]): Promise<string> {
  const alice = await createNode({ relays })
  const bob = await createNode({ relays })
  try {
    const link = await alice.services.links.dial(bob.peerId, { signal: AbortSignal.timeout(20_000) })
    if (!link.remotePeer.equals(bob.peerId)) throw new Error('somebody else answered')
    return link.state.status
  } finally {
    await Promise.all([alice.stop(), bob.stop()])
  }
}
`

const inNode = `import { meet } from './meet.ts'
console.log(await meet(process.argv.slice(2)))
`

const inBrowser = `import { meet } from './meet.ts'
meet(new URLSearchParams(location.search).getAll('relay')).then(
  (status) => { document.title = status },
  (error) => { document.title = String(error) }
)
`

const compilerOptions = {
  strict: true,
  noEmit: true,
  target: 'ES2022',
  module: 'NodeNext',
  lib: ['ES2024', 'DOM'],
  types: [],
  allowImportingTsExtensions: true,
  skipLibCheck: true
}

let folder: string
let relay: ChildProcess
let relays: string[]

async function shell(command: string, args: string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, env, shell: windows, maxBuffer: 64 << 20 })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

/** npx runs the relay in processes of its own: all of them are signalled, as a terminal does. */
function signalRelay(signal: NodeJS.Signals): void {
  if (relay?.pid != null && relay.exitCode == null) process.kill(windows ? relay.pid : -relay.pid, signal)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-user-'))
  // Its `prepack` builds.
  await shell('npm', ['pack', '--pack-destination', folder, '--loglevel=error'], root)
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? ''
  await Promise.all([
    writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' })),
    writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['meet.ts', 'in-browser.ts'] })),
    writeFile(join(folder, 'meet.ts'), program),
    writeFile(join(folder, 'in-node.ts'), inNode),
    writeFile(join(folder, 'in-browser.ts'), inBrowser),
    writeFile(
      join(folder, 'index.html'),
      '<link rel="icon" href="data:,"><script type="module" src="/in-browser.ts"></script>'
    )
  ])
  await shell(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', `./${tarball}`],
    folder
  )

  const args = ['--no-install', 'holdfast-relay', '--json', '--port=0', '--stun-port=0', '--identity=relay.key']
  relay = spawn('npx', args, {
    cwd: folder,
    env,
    shell: windows,
    detached: !windows,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = once(relay, 'exit').then(([code]) => {
    throw new Error(`holdfast-relay ended with code ${code}`)
  })
  const lines = createInterface({ input: relay.stdout as NodeJS.ReadableStream })
  const [line] = await Promise.race([once(lines, 'line'), ended])
  ended.catch(() => {})
  relays = (JSON.parse(line) as { multiaddrs: string[] }).multiaddrs
}, 180_000)

afterAll(async () => {
  signalRelay('SIGKILL')
  if (folder != null) await rm(folder, { recursive: true, force: true })
})

describe('the published package in an empty folder', () => {
  it('type-checks', async () => {
    await shell(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], folder)
  })

  it('links two nodes in Node', async () => {
    const output = await shell(process.execPath, ['in-node.ts', ...relays], folder)
    expect(output.trim()).toMatch(/^(relayed|direct)$/)
  })

  it('links two nodes in a browser, built by Vite', async ({ skip }) => {
    if ((await findBrowsers()).chromium == null) skip('there is no Chromium here: npm run setup')
    const page = await servePage({ root: folder, configFile: false })
    const browser = await launchBrowser('chromium')
    try {
      const tab = await browser.newPage()
      await tab.goto(`${page.url}?${relays.map((relay) => `relay=${encodeURIComponent(relay)}`).join('&')}`)
      await tab.waitForFunction(() => document.title !== '')
      expect(await tab.title()).toMatch(/^(relayed|direct)$/)
    } finally {
      await browser.close()
      await page.stop()
    }
  })

  it('brings a relay that ends when it is told to', async () => {
    const ended = once(relay, 'exit')
    signalRelay('SIGTERM')
    await ended
    const [, host, port] = /^\/ip4\/([\d.]+)\/tcp\/(\d+)/.exec(relays[0] ?? '') ?? []
    await expect(once(createConnection(Number(port), host), 'connect')).rejects.toThrow('ECONNREFUSED')
  })
})
