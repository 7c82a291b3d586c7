#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { RelayConfig } from './config.ts'
import { DEFAULTS, parseConfig } from './config.ts'
import { RelayError } from './errors.ts'
import { defaultIdentityPath } from './identity.ts'
import type { Relay } from './relay.ts'
import { createRelay } from './relay.ts'

const HELP = `Usage: holdfast-relay [options]

Relays traffic between libp2p peers that cannot reach each other directly (circuit-relay-v2 over WebSocket), and tells
browsers their public address (STUN). It can neither read nor change what it relays.

  --host IP               listen here; may be repeated; 0.0.0.0 for all IPv4 addresses, :: for all IPv6 ones
                          (default ${DEFAULTS.hosts.join(', ')}: reachable from this machine only)
  --port N                TCP port for WebSocket, 0 for any (default ${DEFAULTS.port})
  --stun-port N           UDP port for STUN, 0 for any (default ${DEFAULTS.stunPort})
  --stun-host IP          answer STUN here instead of at --host, may be repeated: for a relay behind a TLS proxy
  --no-stun               no STUN
  --announce MULTIADDR    tell clients this address instead, may be repeated;
                          e.g. /dns4/relay.example/tcp/443/tls/ws behind a TLS proxy
  --identity PATH         file of the private key, made if missing (default ${defaultIdentityPath()})
  --max-reservations N    clients that may listen through this relay (default ${DEFAULTS.maxReservations})
  --limit-bytes N         bytes per circuit, both directions, 0 for no limit (default ${DEFAULTS.limitBytes}, 1 GiB)
  --limit-seconds N       seconds per circuit, 0 for no limit (default ${DEFAULTS.limitSeconds}, 1 h)
  --json                  print one line of JSON, {peerId, multiaddrs, stun}, instead of text
  --exit-on-stdin-close   stop when standard input ends, for programs that start a relay of their own
  --version, --help

Ctrl-C or SIGTERM stops it.`

/** What `stop` may take; SIGTERM promises an end within 2 s. */
const STOP_DEADLINE_MS = 1_500

async function main(): Promise<void> {
  const { values } = readArguments()

  if (values.help) {
    console.log(HELP)
    return
  }

  if (values.version) {
    console.log(version())
    return
  }

  const config = parseConfig({
    hosts: values.host,
    port: values.port,
    stunPort: values['no-stun'] ? false : values['stun-port'],
    stunHosts: values['stun-host'],
    announce: values.announce,
    identityPath: values.identity,
    maxReservations: values['max-reservations'],
    limitBytes: values['limit-bytes'],
    limitSeconds: values['limit-seconds']
  })
  const stopRequested = stopSignal(values['exit-on-stdin-close'] === true)
  const relay = await createRelay(config)

  console.log(values.json ? jsonLine(relay) : text(relay, config))

  await stopRequested
  setTimeout(() => {
    console.error(`Connections did not close within ${STOP_DEADLINE_MS} ms; leaving anyway.`)
    process.exit(0)
  }, STOP_DEADLINE_MS)
  await relay.stop()
  // it would end by itself one second later: libp2p's address manager leaves a debounce timer behind
  process.exit(0)
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        host: { type: 'string', multiple: true },
        port: { type: 'string' },
        'stun-port': { type: 'string' },
        'stun-host': { type: 'string', multiple: true },
        'no-stun': { type: 'boolean' },
        announce: { type: 'string', multiple: true },
        identity: { type: 'string' },
        'max-reservations': { type: 'string' },
        'limit-bytes': { type: 'string' },
        'limit-seconds': { type: 'string' },
        json: { type: 'boolean' },
        'exit-on-stdin-close': { type: 'boolean' },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' }
      }
    })
  } catch (err) {
    throw new RelayError('INVALID_OPTION', (err as Error).message, 'See holdfast-relay --help for what there is.', {
      cause: err
    })
  }
}

/** Resolves at the first request to stop; a second signal has its usual effect and ends the process at once. */
function stopSignal(withStdin: boolean): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())

    if (withStdin) {
      process.stdin.once('close', () => resolve())
      process.stdin.once('end', () => resolve())
      process.stdin.resume()
      // only the relay itself keeps the process alive (a file has no unref)
      process.stdin.unref?.()
    }
  })
}

function jsonLine({ peerId, multiaddrs, stun }: Relay): string {
  return JSON.stringify({ peerId, multiaddrs, stun: stun ?? null })
}

function text({ peerId, multiaddrs, stun }: Relay, config: RelayConfig): string {
  const bytes = config.limitBytes === 0 ? 'any amount' : `${config.limitBytes.toLocaleString('en')} bytes`
  const seconds = config.limitSeconds === 0 ? 'no time limit' : `${config.limitSeconds.toLocaleString('en')} s`
  const lines = [
    `Relay ${peerId}`,
    ...multiaddrs.map((ma) => `  ${ma}`),
    ...(stun?.urls ?? []).map((url) => `  ${url}`),
    `  each circuit: ${bytes}, ${seconds}; key: ${config.identityPath}`
  ]

  if (config.hosts.every((host) => host.startsWith('127.') || host === '::1') && config.announce.length === 0) {
    lines.push('  Reachable from this machine only; --host 0.0.0.0 opens it to others.')
  }

  return lines.join('\n')
}

function version(): string {
  // two levels up when compiled to dist/
  const file = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url)).find(existsSync)
  return JSON.parse(readFileSync(file!, 'utf8')).version
}

main().catch((err: unknown) => {
  console.error(err instanceof RelayError ? `holdfast-relay: ${err.message}` : err)
  process.exitCode = 1
  // a failed start may leave standard input open, which --exit-on-stdin-close reads
  process.stdin.destroy()
})
