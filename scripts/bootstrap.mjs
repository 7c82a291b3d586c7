// The first thing `npm start`, `npm test`, `npm run test:soak` and `npm run setup` run. It has to work on any Node >= 18 with nothing
// installed: it installs the dependencies when they are missing or stale and hands over to the pinned Node.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const windows = process.platform === 'win32'
const pinnedNode = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node')
const commands = ['start', 'test', 'soak', 'setup']

/** Why `npm ci` has to run, or undefined when what is installed is what the lock file says. */
export function whyInstall(lockText, installedText) {
  if (installedText == null) return 'nothing is installed yet'
  const installed = JSON.parse(installedText).packages ?? {}
  for (const [path, entry] of Object.entries(JSON.parse(lockText).packages ?? {})) {
    if (path === '' || entry.link === true) continue
    const have = installed[path]
    // Optional packages are those of other platforms.
    if (have == null && entry.optional !== true) return `${path} is in package-lock.json and not installed`
    if (have != null && have.version !== entry.version) return `${path} is ${have.version}, not ${entry.version}`
  }
  return undefined
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function npm(...args) {
  return spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: windows }).status === 0
}

function stop(sentence) {
  console.error(sentence)
  process.exit(1)
}

function install() {
  const why = whyInstall(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
    read(join(root, 'node_modules', '.package-lock.json'))
  )
  if (why == null) return
  console.log(`Installing the dependencies, about half a minute (npm ci; ${why})`)
  if (!npm('ci', '--loglevel=error')) {
    stop('npm ci failed, see above. The usual cause is a missing network or registry: mend that and run this again.')
  }
}

/** The Node of node_modules; this one if that could not be installed and this one is new enough. */
function findNode() {
  const works = (node) => spawnSync(node, ['--version']).status === 0
  if (works(pinnedNode)) return pinnedNode
  // `ignore-scripts=true` leaves the npm package `node` without its program.
  if (npm('rebuild', 'node', '--ignore-scripts=false', '--loglevel=error') && works(pinnedNode)) return pinnedNode
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 22 || (major === 22 && minor < 18)) {
    stop(
      `The pinned Node could not be installed and this one (${process.version}) is too old: use Node 22.18 or newer.`
    )
  }
  console.log(`The pinned Node could not be installed: going on with ${process.version}.`)
  return process.execPath
}

function main([command, ...args]) {
  if (!commands.includes(command)) stop(`Usage: node scripts/bootstrap.mjs ${commands.join('|')} [arguments]`)
  install()
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
  const child = spawn(findNode(), [join(root, 'scripts', `${command}.ts`), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: path }
  })
  // A terminal's Ctrl-C reaches the child by itself; it decides when to end and this process reports how.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2))
