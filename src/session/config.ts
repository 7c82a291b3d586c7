/** All numbers of the session core, with the reason for each. Sizes are bytes, times milliseconds. */
export interface SessionConfig {
  /** Receive window per stream: what a slow reader may hold. Raising it costs that much memory per paused stream. */
  readonly streamWindow: number
  /** Receive window over all streams of the session. Raising it costs that much memory per link. */
  readonly sessionWindow: number
  /** Sent but unacknowledged, or not yet sent, bytes over all streams: the replay buffer. Raising it costs memory per link. */
  readonly maxSendBuffer: number
  /** The same for one stream, so that one bulk stream cannot take all of it. */
  readonly maxStreamSendBuffer: number
  /** Streams each side may have open at once. */
  readonly maxStreams: number
}

export const DEFAULT_SESSION_CONFIG: SessionConfig = {
  streamWindow: 1_048_576,
  sessionWindow: 4_194_304,
  maxSendBuffer: 4_194_304,
  maxStreamSendBuffer: 1_048_576,
  maxStreams: 1_024
}

/** The first bytes of each stream lie outside session credit, so that paused readers cannot stop new streams' handshakes. */
export const FREE_STREAM_BYTES = 4_096

/** Credit is renewed when this part of a window has been consumed: rare frames, and never a stall. */
export const CREDIT_FRACTION = 4

/** Gaps kept per receiving stream. More than a few only arise from hostile senders: paths are ordered in themselves. */
export const MAX_GAPS = 64

/** Paths attached to one session: two relayed, one direct, one being replaced. */
export const MAX_PATHS = 4

/** RTO floor, after RFC 9002 section 6.2 (kGranularity, delayed ACKs) and TCP practice on loaded machines. */
export const MIN_RTO_MS = 200

/** First RTT guess before a sample: RFC 9002 section 6.2.2 says 333 ms. */
export const INITIAL_RTT_MS = 333

/** BLOCKED is repeated each RTO, doubling up to this. */
export const MAX_BLOCKED_REPEAT_MS = 5_000

/** In flight per path at the start. */
export const FIRST_IN_FLIGHT = 65_536

/** The same on a limited (relayed) path, whose bytes are counted. */
export const FIRST_IN_FLIGHT_LIMITED = 16_384

/**
 * What is left of a limited path for what no allowance holds back: acknowledgements, probes, signalling of a direct path, the
 * carrier's own frames. DESIGN rule 6; raising it wastes that much of every circuit.
 */
export const BUDGET_RESERVE_BYTES = 16_384

/** Of small limits it would leave nothing. */
export const MAX_BUDGET_RESERVE_RATIO = 0.25

/**
 * What a frame may weigh on the wire beside its payload, where bytes are counted: its own head, and if it travels alone those
 * of muxer (12), noise (18) and the relay's WebSocket, and as much again for its acknowledgement.
 */
export const BUDGET_FRAME_BYTES = 112

/** What a new carrier still says for itself after its first session frame: identify of both sides. */
export const SETTLING_BYTES = 4_096

/** Less is not sent: the allowance halves with each round trip. */
export const MIN_BUDGET_PIECE_BYTES = 64

/**
 * What a path has left when its successor is asked for is eked out over this time: a new circuit takes some round trips and
 * its turn at the relay (a third of a second), and whoever reads should not notice. Raising it leaves more of it unused.
 */
export const EKE_OUT_MS = 500

/** In pieces of about this size. */
export const EKE_OUT_PIECE_BYTES = 1_200

/** The peer is told what this side counts whenever that has grown by this part of the limit. */
export const BUDGET_TOLD_RATIO = 0.25

/** In flight per path at most: bounded by the replay buffer anyway. */
export const MAX_IN_FLIGHT = 16_777_216

/** RTTs below this are scheduling noise; the bandwidth-delay product is taken with at least this. */
export const MIN_BDP_RTT_MS = 10

/** The ack delay we promise: ACKs leave at the end of the receiving task. */
export const ACK_DELAY_MS = 5
