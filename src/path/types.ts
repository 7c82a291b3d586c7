/**
 * What carries a path. `relayed` goes over a circuit relay; everything else is direct.
 */
export type PathKind = 'relayed' | 'webrtc' | 'webrtc-direct' | 'webtransport' | 'websocket' | 'quic' | 'tcp' | 'other'

/** What a limited (relayed) path may still carry. A missing field is unlimited. */
export interface PathBudget {
  /** In bytes, both directions together, as libp2p counts them at this end. */
  remainingBytes?: number
  /** In ms, until the relay ends the circuit. */
  remainingMs?: number
}

/** What a relay was seen to allow its circuits, whatever it says. */
export interface ObservedLimits {
  /** Bytes of one circuit. */
  readonly bytes?: number
  /** Milliseconds of one circuit. */
  readonly ms?: number
  /** Whether what it calls seconds are seconds, where there are 1,000 or more; undefined: not known yet. */
  readonly saysSeconds?: boolean
}
