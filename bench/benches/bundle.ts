// What a page downloads: production bundles for browsers, minified and compressed.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { root } from '../../scripts/processes.ts'
import { type Bench, machine, type Sample } from '../harness.ts'

/** Everything the package exports, so that nothing of ours is shaken off. */
const everything = `export * from 'libp2p-holdfast'`

const preset = `export { createNode } from 'libp2p-holdfast'`

/** The same as our preset, without us. */
const stockPreset = `
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'

export function createNode(listen) {
  return createLibp2p({
    addresses: { listen },
    transports: [webSockets(), circuitRelayTransport(), webRTC({ rtcConfiguration: { iceServers: [] } })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), ping: ping() }
  })
}`

export const bundle: Bench = {
  title: 'bytes of minified, compressed browser code: ours alone, and a whole node',
  isolated: false,
  async run({ log }) {
    const ours: Sample = {
      gzipBytes: await gzipBytes(everything, { oursOnly: true }),
      presetGzipBytes: await gzipBytes(preset)
    }
    log(`ours: ${JSON.stringify(ours)}`)
    const stock: Sample = { presetGzipBytes: await gzipBytes(stockPreset) }
    log(`stock: ${JSON.stringify(stock)}`)
    return {
      result: { name: 'bundle', ours, stock, rivals: {}, runs: 1, machine: machine() },
      samples: { ours: [ours], stock: [stock] },
      notes: []
    }
  }
}

/** All chunks together, each compressed as a web server does. */
async function gzipBytes(source: string, { oursOnly = false } = {}): Promise<number> {
  const { build } = await import('vite')
  // Inside the package, so that it may import itself by name; `dist` is there and no one commits it.
  const folder = await mkdtemp(join(root, 'dist/bench-'))
  try {
    const entry = join(folder, 'entry.js')
    await writeFile(entry, source)
    const output = await build({
      configFile: false,
      root: folder,
      logLevel: 'error',
      mode: 'production',
      build: {
        write: false,
        target: 'es2022',
        modulePreload: false,
        rolldownOptions: {
          input: entry,
          preserveEntrySignatures: 'strict',
          ...(oursOnly ? { external: isForeign } : {})
        }
      }
    })
    const bundles = Array.isArray(output) ? output : [output]
    let bytes = 0
    for (const one of bundles) {
      if (!('output' in one)) throw new Error('The bundler watches instead of building')
      for (const file of one.output) if (file.type === 'chunk') bytes += gzipSync(file.code, { level: 9 }).byteLength
    }
    return bytes
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function isForeign(id: string): boolean {
  return /^[^./]/.test(id) && !/^[A-Za-z]:/.test(id) && !id.startsWith('\0') && id !== 'libp2p-holdfast'
}
