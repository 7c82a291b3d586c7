import type { Multiaddr } from '@multiformats/multiaddr'
import {
  Circuit,
  QUIC,
  QUIC_V1,
  TCP,
  WebRTC,
  WebRTCDirect,
  WebSockets,
  WebSocketsSecure,
  WebTransport
} from '@multiformats/multiaddr-matcher'
import type { PathKind } from './types.ts'

/** What a carrier with this remote address runs over. */
export function pathKind(remoteAddr: Multiaddr): PathKind {
  // Signalled over a circuit (`…/p2p-circuit/webrtc/p2p/…`), or `/webrtc/p2p/…` as the listening side names it.
  if (WebRTC.exactMatch(remoteAddr)) return 'webrtc'
  if (Circuit.exactMatch(remoteAddr)) return 'relayed'
  if (WebRTCDirect.exactMatch(remoteAddr)) return 'webrtc-direct'
  if (WebTransport.exactMatch(remoteAddr)) return 'webtransport'
  if (WebSockets.exactMatch(remoteAddr) || WebSocketsSecure.exactMatch(remoteAddr)) return 'websocket'
  if (QUIC_V1.exactMatch(remoteAddr) || QUIC.exactMatch(remoteAddr)) return 'quic'
  if (TCP.exactMatch(remoteAddr)) return 'tcp'
  return 'other'
}
