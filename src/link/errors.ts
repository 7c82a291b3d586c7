import type { Connection } from '@libp2p/interface'

/** The peer was unreachable for the whole resume window; its streams are gone. */
export class LinkExpiredError extends Error {
  static override name = 'LinkExpiredError'
  override name = 'LinkExpiredError'

  constructor(resumeWindowMs: number) {
    super(`The peer could not be reached for ${resumeWindowMs} ms (resumeWindowMs): dial it again`)
  }
}

/** Another session with this peer took over: it restarted, reloaded, or another tab of it took the link. */
export class LinkSupersededError extends Error {
  static override name = 'LinkSupersededError'
  override name = 'LinkSupersededError'

  constructor(reason: string) {
    super(`This link was superseded: ${reason}. Streams of it are gone; ask links.get(peer) for the one that lives`)
  }
}

/** The link was closed, by either side, or is not up yet. */
export class LinkClosedError extends Error {
  static override name = 'LinkClosedError'
  override name = 'LinkClosedError'

  constructor(message = 'The link is closed: dial the peer again') {
    super(message)
  }
}

/** `close()` gave up waiting for the peer's acknowledgement. */
export class LinkFlushError extends Error {
  static override name = 'LinkFlushError'
  override name = 'LinkFlushError'

  constructor(
    /** Bytes that the peer may not have. 0: only the ends of streams are missing. */
    readonly unacknowledgedBytes: number,
    options?: ErrorOptions
  ) {
    super(
      unacknowledgedBytes === 0
        ? 'The peer has every byte, but did not acknowledge the end of every stream before the link closed'
        : `${unacknowledgedBytes} bytes were not acknowledged by the peer before the link closed: they may be lost`,
      options
    )
  }
}

/** One way that was tried to reach a peer, and what came of it. */
export interface Attempt {
  /** A multiaddr, the relay in it for relayed ways. */
  readonly address: string
  /** What it answered. */
  readonly error: Error
}

/** Nothing reached the peer. */
export class NoRouteError extends Error {
  static override name = 'NoRouteError'
  override name = 'NoRouteError'

  constructor(
    peer: string,
    /** What was tried, as `{ address, error }` each; none if no way to the peer is known. */
    readonly attempts: readonly Attempt[]
  ) {
    super(
      attempts.length === 0
        ? `No way to ${peer} is known: configure relays (links({ relays: [...] })), or dial an address`
        : `${peer} could not be reached; tried ${attempts.map(({ address, error }) => `${address} (${error.message})`).join(', ')}`
    )
  }
}

/** The peer is there, but does not speak `/holdfast/session/1.0.0`. */
export class PeerRefusedProtocolError extends Error {
  static override name = 'PeerRefusedProtocolError'
  override name = 'PeerRefusedProtocolError'

  constructor(
    peer: string,
    /** What reached it: as good as any stock connection. */
    readonly carrier: Connection,
    options?: ErrorOptions
  ) {
    super(`${peer} does not speak Holdfast: node.dial gives what stock libp2p gives`, options)
  }
}

/** A policy of ours, or of the peer, does not want this link. */
export class LinkRefusedError extends Error {
  static override name = 'LinkRefusedError'
  override name = 'LinkRefusedError'
}

/** The node holds `maxLinks` links already. */
export class TooManyLinksError extends Error {
  static override name = 'TooManyLinksError'
  override name = 'TooManyLinksError'

  constructor(maxLinks: number) {
    super(`This node already holds ${maxLinks} links (maxLinks): close some, or raise it`)
  }
}

/** The policy says `never`, or this runtime cannot. */
export class UpgradeForbiddenError extends Error {
  static override name = 'UpgradeForbiddenError'
  override name = 'UpgradeForbiddenError'
}

/** One attempt to get a direct path failed; the link goes on relayed, and tries again by itself. */
export class UpgradeFailedError extends Error {
  static override name = 'UpgradeFailedError'
  override name = 'UpgradeFailedError'
}
