/**
 * The self-hosted relay: circuit-relay-v2 over WebSocket, and STUN, in one process.
 *
 * @example
 * ```ts
 * const relay = await createRelay(parseConfig({ port: 0, stunPort: false }))
 * console.log(relay.multiaddrs)
 * await relay.stop()
 * ```
 */
export type { RelayConfig, RelayOptions } from './config.ts'
export { parseConfig } from './config.ts'
export type { RelayErrorCode } from './errors.ts'
export { RelayError } from './errors.ts'
export { defaultIdentityPath, loadIdentity } from './identity.ts'
export type { Relay } from './relay.ts'
export { createRelay } from './relay.ts'
