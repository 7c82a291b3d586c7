// Which browsers there are, and getting them where that is possible. Debian's own packages come first: they are small,
// current and need no download from a browser maker.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { root } from './processes.ts'

export interface Browser {
  /** Undefined: the one that Playwright downloaded, which it finds by itself. */
  executablePath?: string
}

export interface Browsers {
  chromium?: Browser
  firefox?: Browser
  webkit?: Browser
}

const candidates = {
  chromium: {
    override: 'HOLDFAST_CHROMIUM',
    paths: [
      '/usr/bin/chromium',
      '/usr/bin/google-chrome',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
    ]
  },
  firefox: {
    override: 'HOLDFAST_FIREFOX',
    paths: ['/usr/bin/firefox-esr', '/Applications/Firefox.app/Contents/MacOS/firefox']
  }
} as const

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function findOne(name: 'chromium' | 'firefox' | 'webkit'): Promise<Browser | undefined> {
  if (name !== 'webkit') {
    const { override, paths } = candidates[name]
    const wanted = process.env[override]
    if (wanted != null && wanted !== '') {
      if (!executable(wanted)) throw new Error(`${override}=${wanted} is not an executable file`)
      return { executablePath: wanted }
    }
    const executablePath = paths.find(executable)
    if (executablePath != null) return { executablePath }
  }
  const playwright = await import('@playwright/test')
  return existsSync(playwright[name].executablePath()) ? {} : undefined
}

export async function findBrowsers(): Promise<Browsers> {
  const [chromium, firefox, webkit] = await Promise.all([findOne('chromium'), findOne('firefox'), findOne('webkit')])
  return { chromium, firefox, webkit }
}

function distribution(): string {
  try {
    return /^ID="?(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown'
  } catch {
    return process.platform
  }
}

const onPath = (program: string) =>
  [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].some((folder) => executable(`${folder}/${program}`))

// The driver's package brings the browser itself along, MiniBrowser; it needs a display.
const webKitGtkPackages = { WebKitWebDriver: 'webkit2gtk-driver', Xvfb: 'xvfb' }

/** Debian packages that are missing to test in WebKitGTK, a browser without WebRTC. */
export function missingForWebKitGtk(): string[] {
  return Object.entries(webKitGtkPackages).flatMap(([program, name]) => (onPath(program) ? [] : name))
}

function missingPackages(browsers: Browsers, system: string): string[] {
  const packages: string[] = []
  // Ubuntu's browser packages are empty shells around snaps, which containers cannot run.
  if (system === 'debian') {
    if (browsers.chromium == null) packages.push('chromium')
    if (browsers.firefox == null) packages.push('firefox-esr')
  }
  // For the isolated network and for cutting UDP in it: scripts/isolate.ts, test/support/udp.ts.
  if (!onPath('ip')) packages.push('iproute2')
  if (!onPath('nft')) packages.push('nftables')
  if (!onPath('unshare')) packages.push('util-linux')
  return packages
}

function install(command: string, args: string[], timeoutMs: number): boolean {
  console.log(`> ${[command, ...args].join(' ')}`)
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: timeoutMs,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  })
  return status === 0
}

/** Each set by itself: one that cannot be had does not cost the others. */
function aptInstall(sets: string[][], system: string): void {
  const wanted = sets.filter((packages) => packages.length > 0)
  if (wanted.length === 0) return
  const names = wanted.flat().join(' ')
  if (!(system === 'debian' || system === 'ubuntu') || !onPath('apt-get')) {
    console.log(`Not installed: ${names}. This is not Debian or Ubuntu; install them yourself to have those tests.`)
  } else if (process.getuid?.() !== 0) {
    console.log(`Not installed: ${names}. That takes root; to have them: sudo apt-get install ${names}`)
  } else if (!install('apt-get', ['update', '-qq'], 180_000)) {
    console.log(`apt-get could not look for ${names}, see above.`)
  } else {
    for (const packages of wanted) {
      if (!install('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], 420_000)) {
        console.log(`apt-get could not install ${packages.join(' ')}, see above.`)
      }
    }
  }
}

/** Install what is missing where that is possible and say what is skipped and why. */
export async function ensureBrowsers(): Promise<Browsers> {
  let browsers = await findBrowsers()
  const system = distribution()
  if (process.platform === 'linux') {
    aptInstall([missingPackages(browsers, system), system === 'debian' ? missingForWebKitGtk() : []], system)
    browsers = await findBrowsers()
  }
  const missing = (['chromium', 'firefox'] as const).filter((name) => browsers[name] == null)
  if (missing.length > 0) {
    const playwright = `${root}/node_modules/@playwright/test/cli.js`
    const libraries = process.platform === 'linux' && process.getuid?.() === 0 ? ['--with-deps'] : []
    if (!install(process.execPath, [playwright, 'install', ...libraries, ...missing], 420_000)) {
      console.log(`Playwright could not download ${missing.join(' and ')}, see above.`)
    }
    browsers = await findBrowsers()
  }
  for (const name of ['chromium', 'firefox', 'webkit'] as const) {
    const where = browsers[name]?.executablePath ?? "Playwright's own"
    if (browsers[name] != null) console.log(`${name}: ${where}`)
    else if (name === 'webkit') console.log('webkit: skipped, not installed (npx playwright install webkit)')
    else console.log(`${name}: skipped, it could neither be found nor installed`)
  }
  const missingPackage = missingForWebKitGtk().join(' ')
  console.log(`WebKitGTK: ${missingPackage === '' ? 'WebKitWebDriver' : `skipped, apt-get install ${missingPackage}`}`)
  return browsers
}
