// The same with js-libp2p alone: what it notices is that connections close.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Holding, Situation } from './holdfast-peer.ts'
import type { PeerInit } from './traffic.ts'

const isDirect = ({ remoteAddr }: Connection): boolean => remoteAddr.toString().includes('/webrtc')

export async function holdConnections({ relays, key, upgrade = 'auto', stunUrl }: PeerInit): Promise<Holding> {
  const iceServers = stunUrl == null ? [] : [{ urls: stunUrl }]
  const node = await createLibp2p({
    privateKey: privateKeyFromProtobuf(Buffer.from(key, 'base64')),
    addresses: {
      listen: [...relays.map((relay) => `${relay}/p2p-circuit`), ...(upgrade === 'auto' ? ['/webrtc'] : [])]
    },
    transports: [tcp(), webSockets(), circuitRelayTransport(), webRTC({ rtcConfiguration: { iceServers } })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), ping: ping() }
  })
  const situations: Situation[] = []
  const relayIds = new Set(relays.map((relay) => relay.split('/p2p/').at(-1)))
  const watch = (type: 'connection:open' | 'connection:close', closed: boolean): void => {
    node.addEventListener(type, ({ detail }) => {
      if (relayIds.has(detail.remotePeer.toString())) return
      const status = closed ? 'closed' : isDirect(detail) ? 'direct' : 'relayed'
      situations.push({ at: Date.now(), status, cause: detail.remoteAddr.toString() })
    })
  }
  watch('connection:open', false)
  watch('connection:close', true)
  return {
    node,
    addresses: () => node.getMultiaddrs().map(String),
    async dial({ addresses = [] }) {
      const start = performance.now()
      const wanted = addresses.filter((address) => address.includes('/webrtc') === (upgrade === 'auto'))
      await node.dial(wanted.filter((address) => address.includes('/p2p-circuit')).map((address) => multiaddr(address)))
      return { ms: performance.now() - start }
    },
    async whenDirect() {},
    async connection(peerId) {
      const open = node.getConnections(peerIdFromString(peerId))
      const connection = open.find((one) => isDirect(one) === (upgrade === 'auto'))
      if (connection == null) throw new Error('not connected')
      return connection
    },
    situation: () => situations,
    links: () => [],
    held: () => 0
  }
}
