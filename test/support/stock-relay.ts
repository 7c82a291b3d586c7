/**
 * A relay as js-libp2p's documentation has it, to compare with and to be compatible with. Started by `startRelay`:
 * prints one line of JSON like `holdfast-relay --json`, and ends with its parent.
 */
import { parseArgs } from 'node:util'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { ServerReservationStoreInit } from '@libp2p/circuit-relay-v2'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { loadIdentity } from '../../relay-server/index.ts'
import { gaterOf, lie, tellWhatItHolds, tricksOf, tricksOptions } from './relay-tricks.ts'

const { values } = parseArgs({
  options: {
    identity: { type: 'string' },
    port: { type: 'string', default: '0' },
    host: { type: 'string', multiple: true, default: ['127.0.0.1'] },
    'limit-bytes': { type: 'string' },
    'limit-seconds': { type: 'string' },
    'max-reservations': { type: 'string' },
    ...tricksOptions
  }
})

const reservations: ServerReservationStoreInit = {}

if (values['limit-bytes'] != null) {
  reservations.defaultDataLimit = BigInt(values['limit-bytes'])
}

if (values['limit-seconds'] != null) {
  reservations.defaultDurationLimit = Number(values['limit-seconds']) * 1000
}

if (values['max-reservations'] != null) {
  reservations.maxReservations = Number(values['max-reservations'])
}

// stock has no way to switch off one limit alone
if (values['limit-bytes'] === '0' && values['limit-seconds'] === '0') {
  reservations.applyDefaultLimit = false
}

const tricks = tricksOf(values)

const node = await createLibp2p({
  privateKey: await loadIdentity(values.identity!),
  addresses: {
    listen: values.host.map((host) => `/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/${values.port}/ws`)
  },
  transports: [webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: gaterOf(tricks),
  services: { identify: identify(), relay: circuitRelayServer({ reservations }) }
})

lie(node.services.relay, tricks)
tellWhatItHolds(node)

const stop = (): void => {
  void Promise.resolve(node.stop()).then(() => process.exit(0))
}

process.once('SIGTERM', stop)
process.stdin.once('end', stop).resume()

console.log(
  JSON.stringify({ peerId: node.peerId.toString(), multiaddrs: node.getMultiaddrs().map(String), stun: null })
)
