// A peer with js-libp2p alone: the same transports, encryption and muxer, and the other's addresses known beforehand.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { servePeer } from '../harness.ts'
import { type Dial, echo, openEcho, type Ready, type Setup, serveEcho, settle, whenReachable } from './echo.ts'

let node: Libp2p

async function setUp({ relay }: Setup): Promise<Ready> {
  node = await createLibp2p({
    addresses: { listen: [`${relay}/p2p-circuit`, '/webrtc'] },
    transports: [tcp(), webSockets(), circuitRelayTransport(), webRTC({ rtcConfiguration: { iceServers: [] } })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), ping: ping() }
  })
  await serveEcho(node)
  const addresses = await whenReachable(node, relay)
  await settle()
  return { peerId: node.peerId.toString(), addresses }
}

/** What an application can do: name the relayed address, name the WebRTC address, or leave it to libp2p. */
const ways: Record<Dial['until'], { metric: string; dial(target: Ready): Promise<Connection> }> = {
  relay: { metric: 'relayMs', dial: ({ addresses }) => node.dial(multiaddr(addresses.find(isRelayed)!)) },
  direct: { metric: 'directMs', dial: ({ addresses }) => node.dial(multiaddr(addresses.find(isWebRTC)!)) },
  fallback: { metric: 'relayMs', dial: ({ peerId }) => node.dial(peerIdFromString(peerId)) }
}

async function dial({ until, ...target }: Dial): Promise<Record<string, number>> {
  // As identify leaves it behind when the two have met before.
  await node.peerStore.merge(peerIdFromString(target.peerId), { multiaddrs: target.addresses.map(multiaddr) })
  const { metric, dial } = ways[until]
  const start = performance.now()
  const connection = await dial(target)
  await echo(await openEcho(connection))
  const ms = performance.now() - start
  if (isWebRTC(connection.remoteAddr.toString()) !== (until === 'direct')) {
    throw new Error(`The connection goes over ${connection.remoteAddr}, which is not what was to be measured`)
  }
  return { [metric]: ms }
}

function isWebRTC(address: string): boolean {
  return address.includes('/webrtc')
}

function isRelayed(address: string): boolean {
  return address.includes('/p2p-circuit') && !isWebRTC(address)
}

servePeer(async (command: Setup | Dial) => ('relay' in command ? setUp(command) : dial(command)))
