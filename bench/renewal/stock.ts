// A peer with js-libp2p alone: the same transports, encryption and muxer, and a stream that may use a limited connection.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { Circuit } from '@multiformats/multiaddr-matcher'
import { createLibp2p } from 'libp2p'
import { servePeer } from '../harness.ts'
import { type Ready, settle, whenReachable } from '../peers/echo.ts'
import {
  type Ask,
  Bulk,
  type Dial,
  type Join,
  type PathSeen,
  type Send,
  type Setup,
  type Tally,
  whenThere
} from './bulk.ts'

let node: Libp2p
let circuits = 0
const seen: PathSeen[] = []
const bulk = new Bulk()

async function setUp({ relay }: Setup): Promise<Ready> {
  node = await createLibp2p({
    addresses: { listen: [`${relay}/p2p-circuit`, '/webrtc'] },
    transports: [tcp(), webSockets(), circuitRelayTransport(), webRTC({ rtcConfiguration: { iceServers: [] } })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), ping: ping() }
  })
  for (const type of ['connection:open', 'connection:close'] as const) {
    node.addEventListener(type, ({ detail: { remoteAddr } }) => {
      if (!Circuit.matches(remoteAddr)) return
      if (type === 'connection:open') circuits++
      seen.push({ at: Date.now(), what: type })
    })
  }
  await bulk.serve(node)
  const addresses = await whenReachable(node, relay)
  await settle()
  return { peerId: node.peerId.toString(), addresses }
}

servePeer(async (command: Setup | Dial | Join | Send | Ask) => {
  switch (command.do) {
    case 'setUp':
      return setUp(command)
    case 'dial':
      await node.dial(multiaddr(command.addresses.find((address) => !address.includes('/webrtc'))!))
      return undefined
    case 'join':
      return whenThere(() => node.getConnections(peerIdFromString(command.peerId)).length > 0)
    case 'send':
      return bulk.send(node.getConnections(peerIdFromString(command.peerId))[0]!, command.bytes)
    case 'tally':
      return { ...bulk.tally, circuits, seen } satisfies Tally
  }
})
