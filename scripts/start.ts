// `npm start`: a relay with STUN and the demo page, on this machine or in its network, until Ctrl-C.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createSocketServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createServer } from 'vite'
import { inTheNetwork, type Place } from './lan/index.ts'
import { root } from './processes.ts'

const help = `Usage: npm start -- [--lan] [--address IP] [--port N] [--relay-port N]

  --lan            serve the page and the relay to other devices in this network, over TLS
  --address IP     with --lan: which address of this machine they use (default the likeliest one)
  --port N         port of the page (default 5173, or the next free one)
  --relay-port N   port of the relay (default 9090, or the next free one); others reach it through the page's`

function stop(sentence: string): never {
  console.error(sentence)
  process.exit(1)
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = createSocketServer().listen({ port, host, exclusive: true })
  const free = await Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false)
  ]).catch(() => false)
  server.close()
  return free
}

/** The port asked for, which has to be free, or the first free one from the default on. */
async function choosePort(flag: string, asked: string | undefined, first: number, hosts: string[]): Promise<number> {
  const free = async (port: number) => (await Promise.all(hosts.map((host) => isFree(port, host)))).every(Boolean)
  if (asked != null) {
    const port = Number(asked)
    if (!Number.isInteger(port) || port < 1 || port > 65_535) stop(`--${flag} ${asked}: a port is a number up to 65535`)
    if (!(await free(port))) stop(`--${flag} ${port}: this port is in use; leave the flag out to get a free one`)
    return port
  }
  for (let port = first; port < first + 50; port++) if (await free(port)) return port
  return stop(`No port from ${first} to ${first + 49} is free: choose one with --${flag}`)
}

interface RelayLine {
  peerId: string
  multiaddrs: string[]
  stun: { port: number } | null
}

async function startRelay(port: number, more: string[]): Promise<{ child: ChildProcess; line: RelayLine }> {
  const script = join(root, 'relay-server', 'cli.ts')
  const args = [script, '--json', '--exit-on-stdin-close', `--port=${port}`, '--stun-port=0', ...more]
  // Its standard input closes when this process ends, however it ends.
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit').then(() => [undefined])
  const [text] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), exited])
  if (text == null) stop('The relay ended before it was ready, see above.')
  return { child, line: JSON.parse(text) as RelayLine }
}

const onThisMachine: Place = {
  hosts: ['127.0.0.1', 'localhost'],
  stunHost: '127.0.0.1',
  relayArguments: () => [],
  async servePage(port) {
    const page = await createServer({
      configFile: join(root, 'browser-demo', 'vite.config.ts'),
      logLevel: 'warn',
      server: { port, strictPort: true }
    })
    return page.listen()
  },
  welcome: (port) => `Holdfast is running: open http://localhost:${port}/ in two browser windows.`
}

function readFlags() {
  try {
    return parseArgs({
      options: {
        lan: { type: 'boolean' },
        address: { type: 'string' },
        port: { type: 'string' },
        'relay-port': { type: 'string' },
        help: { type: 'boolean', short: 'h' }
      }
    }).values
  } catch (error) {
    return stop(`${error instanceof Error ? error.message : error}\n\n${help}`)
  }
}

const flags = readFlags()
if (flags.help) {
  console.log(help)
  process.exit(0)
}

if (flags.address != null && !flags.lan) stop('--address is for other devices: give --lan as well')
const place = flags.lan ? await inTheNetwork(flags.address) : onThisMachine
if ('mistake' in place) stop(place.mistake)

const port = await choosePort('port', flags.port, 5173, place.hosts)
const relayPort = await choosePort('relay-port', flags['relay-port'], 9090, ['127.0.0.1'])
const { child: relay, line } = await startRelay(relayPort, place.relayArguments(port))
process.env.VITE_HOLDFAST_RELAYS = line.multiaddrs.join(',')
process.env.VITE_HOLDFAST_STUN = line.stun == null ? '' : `stun:${place.stunHost}:${line.stun.port}`

const page = await place.servePage(port, relayPort)

console.log(`
${place.welcome(port)}
  relay  ${line.multiaddrs.join('\n         ')}
  STUN   ${process.env.VITE_HOLDFAST_STUN || 'none'}
Ctrl-C stops everything.`)

let ending = false
async function end(code: number): Promise<void> {
  if (ending) return
  ending = true
  relay.stdin?.end()
  await Promise.all([page.close(), relay.exitCode == null ? once(relay, 'exit') : undefined])
  process.exit(code)
}

process.on('SIGINT', () => void end(0))
process.on('SIGTERM', () => void end(0))
relay.on('exit', () => {
  if (!ending) console.error('The relay ended, see above.')
  void end(1)
})
