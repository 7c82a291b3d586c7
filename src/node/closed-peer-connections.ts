import type { Connection } from '@libp2p/interface'

/**
 * The stock WebRTC transport keeps every connection it accepted until the node stops: to let go of one it waits for a `close`
 * event of the peer connection, and the standard has no such event (@libp2p/webrtc 6.0). So it gets one.
 */
export function tellWhenClosed(connection: Connection): void {
  const { maConn } = connection as Connection & { maConn?: { peerConnection?: EventTarget } }
  const peerConnection = maConn?.peerConnection
  if (peerConnection == null) return
  connection.addEventListener('close', () => peerConnection.dispatchEvent(new Event('close')), { once: true })
}
