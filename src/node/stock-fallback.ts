import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { pathKind } from '../path/index.ts'

/**
 * The peer does not speak the protocol: give what stock libp2p would have given. The carrier that reached it is an
 * ordinary connection again; where the dialled address asked for WebRTC, or for nothing in particular, that is tried over
 * it, and if it fails the relayed connection stands.
 */
export async function fallBackToStock(
  carrier: Connection,
  address: Multiaddr,
  dialWebRTC: (signal: AbortSignal) => Promise<Connection>,
  signal: AbortSignal
): Promise<Connection> {
  const { limits } = carrier
  if (limits != null && limits.bytes == null && limits.seconds == null) carrier.limits = undefined
  const wantsMore = address.getComponents().length === 1 || pathKind(address) === 'webrtc'
  if (!wantsMore || pathKind(carrier.remoteAddr) !== 'relayed') return carrier
  try {
    return await dialWebRTC(AbortSignal.any([signal, AbortSignal.timeout(WEBRTC_TIMEOUT_MS)]))
  } catch (err) {
    carrier.log('no direct connection, the relayed one stands - %e', err)
    return carrier
  }
}

/** Below libp2p's 6 s for one address, so that the relayed connection is still returned when ICE fails. */
const WEBRTC_TIMEOUT_MS = 5_000
