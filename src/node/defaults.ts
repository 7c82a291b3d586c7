import type { LinksInit } from '../link/index.ts'

/** Every default a user meets, in one place; the reasons stand at the options in `LinksInit`. */
export const DEFAULTS = {
  /** Of `createNode()`; `links()` in a node of your own makes none. */
  reservations: 2,
  resumeWindowMs: 60_000,
  maxLinks: 256,
  maxBufferedBytes: 4_194_304,
  dialTimeoutMs: 10_000,
  upgradeTimeoutMs: 10_000,
  handshakeTimeoutMs: 5_000,
  closeTimeoutMs: 5_000,
  heartbeatIntervalMs: 5_000
} as const satisfies Partial<LinksInit>

/** The numbers of `LinksInit`, all set. */
export type Limits = { readonly [K in keyof typeof DEFAULTS]: number }

/** Least and greatest value that makes sense, and why. */
const BOUNDS: { readonly [K in keyof typeof DEFAULTS]: readonly [min: number, max: number] } = {
  reservations: [0, 16],
  resumeWindowMs: [0, 86_400_000],
  maxLinks: [1, 65_536],
  // One full stream window at least, or a single stream could never use its credit.
  maxBufferedBytes: [65_536, 1_073_741_824],
  dialTimeoutMs: [100, 600_000],
  upgradeTimeoutMs: [1_000, 120_000],
  handshakeTimeoutMs: [100, 120_000],
  closeTimeoutMs: [0, 600_000],
  heartbeatIntervalMs: [1_000, 300_000]
}

/** @throws {InvalidOptionError} */
export function validated(init: LinksInit): Limits {
  const limits: Record<string, number> = {}
  for (const [name, fallback] of Object.entries(DEFAULTS)) {
    const value = init[name as keyof typeof DEFAULTS] ?? fallback
    const [min, max] = BOUNDS[name as keyof typeof DEFAULTS]
    if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) {
      throw new InvalidOptionError(
        `${name} must be a number from ${min} to ${max}, not ${String(value)} (default ${fallback})`
      )
    }
    limits[name] = value
  }
  const { upgrade, accept, mayResume, relays, rtcConfiguration } = init
  if (upgrade != null && upgrade !== 'auto' && upgrade !== 'never' && typeof upgrade !== 'function') {
    throw new InvalidOptionError(`upgrade must be 'auto', 'never' or a function of the PeerId, not ${String(upgrade)}`)
  }
  if (accept != null && typeof accept !== 'function') {
    throw new InvalidOptionError(`accept must be a function of the PeerId, not ${String(accept)}`)
  }
  if (mayResume != null && typeof mayResume !== 'function') {
    throw new InvalidOptionError(`mayResume must be a function, not ${String(mayResume)}`)
  }
  if (relays != null && !Array.isArray(relays)) {
    throw new InvalidOptionError(`relays must be an array of multiaddrs, not ${String(relays)}`)
  }
  if (rtcConfiguration != null && typeof rtcConfiguration !== 'function' && typeof rtcConfiguration !== 'object') {
    throw new InvalidOptionError(
      `rtcConfiguration must be an RTCConfiguration or a function that gives one, not ${String(rtcConfiguration)}`
    )
  }
  return limits as Limits
}

/** An option given to `links()` or `createNode()` cannot be used; the message names it and what it may be. */
export class InvalidOptionError extends Error {
  static override name = 'InvalidOptionError'
  override name = 'InvalidOptionError'
}
