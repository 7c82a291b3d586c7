/** The sans-I/O core: streams, replay, credit, per-path acks, scheduling, identity. No clock, no timers, no libp2p. */
export type { PathInit, PathStats, SessionCore } from './api.ts'
export type { ByteBudgetInit } from './byte-budget.ts'
export { DEFAULT_SESSION_CONFIG, FREE_STREAM_BYTES, MAX_PATHS, type SessionConfig } from './config.ts'
export type { SessionEffect } from './effects.ts'
export { FlowControlError, ProtocolViolationError, SessionClosedError, TooManyStreamsError } from './errors.ts'
export { type HandshakeState, type HandshakeStep, initiate, type Self, shake } from './handshake.ts'
export { instanceName, PeerIdentity, type SessionName, type Verdict } from './identity.ts'
export { Session } from './session.ts'
