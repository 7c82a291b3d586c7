import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { pathKind } from '../../../src/path/index.ts'

const peer = '12D3KooWBhV9dp6FDvgaEphWMsxf6Un2PAUbWBNWBHnHmQ7hX3nZ'
const relay = '12D3KooWPDQ4KSnhtpXYRb4bTqBNGvW3GWb8gNRCi2qhLyRaSNqd'
const certhash = 'uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ'

it.each([
  [`/ip4/1.2.3.4/tcp/4001/p2p/${peer}`, 'tcp'],
  [`/dns4/example.org/tcp/4001/p2p/${peer}`, 'tcp'],
  [`/ip4/1.2.3.4/tcp/4001/ws/p2p/${peer}`, 'websocket'],
  [`/dns4/example.org/tcp/443/wss/p2p/${peer}`, 'websocket'],
  [`/dns4/example.org/tcp/443/tls/ws/p2p/${peer}`, 'websocket'],
  [`/ip4/1.2.3.4/tcp/443/tls/sni/example.org/ws/p2p/${peer}`, 'websocket'],
  [`/ip4/1.2.3.4/udp/4001/quic-v1/p2p/${peer}`, 'quic'],
  [`/ip4/1.2.3.4/udp/4001/quic-v1/webtransport/certhash/${certhash}/p2p/${peer}`, 'webtransport'],
  [`/ip4/1.2.3.4/udp/4001/webrtc-direct/certhash/${certhash}/p2p/${peer}`, 'webrtc-direct'],
  [`/ip4/1.2.3.4/udp/4001/webrtc-direct/p2p/${peer}`, 'webrtc-direct'],
  [`/ip4/1.2.3.4/tcp/4001/ws/p2p/${relay}/p2p-circuit/p2p/${peer}`, 'relayed'],
  [`/dns4/example.org/tcp/443/wss/p2p/${relay}/p2p-circuit/p2p/${peer}`, 'relayed'],
  [`/ip4/1.2.3.4/udp/4001/webrtc-direct/certhash/${certhash}/p2p/${relay}/p2p-circuit/p2p/${peer}`, 'relayed'],
  [`/ip4/1.2.3.4/tcp/4001/ws/p2p/${relay}/p2p-circuit/webrtc/p2p/${peer}`, 'webrtc'],
  [`/dns4/example.org/tcp/443/tls/ws/p2p/${relay}/p2p-circuit/webrtc/p2p/${peer}`, 'webrtc'],
  [`/webrtc/p2p/${peer}`, 'webrtc'],
  [`/memory/7/p2p/${peer}`, 'other'],
  [`/p2p/${peer}`, 'other']
] as const)('%s is %s', (address, kind) => {
  expect(pathKind(multiaddr(address))).toBe(kind)
})
