/** The session protocol's id, negotiated by multistream-select on each carrier. */
export const SESSION_PROTOCOL = '/holdfast/session/1.0.0'

/**
 * Largest frame body a decoder accepts, in bytes. Senders stay below it by `MAX_STREAM_PAYLOAD`; the difference leaves
 * room for later versions. Raising it lets one frame hold up all streams of a path for longer.
 */
export const MAX_FRAME_BYTES = 65_536

/**
 * Payload bytes per STREAM frame as we send them. With header, yamux and protobuf framing one frame fits a single
 * 16 KiB WebRTC data channel message (libp2p WebRTC spec: "messages … MUST NOT exceed 16 KiB").
 */
export const MAX_STREAM_PAYLOAD = 16_000

/** Bytes of an instance id: 128 random bits never collide in practice (RFC 9562 section 6.9). */
export const INSTANCE_ID_BYTES = 16
