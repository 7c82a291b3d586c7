import type { AbortOptions, Connection, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PathBudget, PathKind } from '../path/index.ts'

/**
 * - `active`: application data is sent here
 * - `standby`: attached and healthy, carries no application data
 * - `suspect`: sent bytes are not acknowledged in time; new bytes go elsewhere
 * - `opening`: carrier is up, our own probe has not been echoed yet
 */
export type PathRole = 'opening' | 'active' | 'standby' | 'suspect'

/** A snapshot of one path of a link; reading `link.paths` again gives fresh numbers. */
export interface PathInfo {
  readonly id: string
  readonly kind: PathKind
  readonly role: PathRole
  /** Address of the carrier: names the relay for relayed paths. */
  readonly remoteAddr: Multiaddr
  /** Smoothed round-trip time as measured by our own frames; `undefined` before the first echo. */
  readonly rttMs?: number
  /** Session bytes written to this path, framing included. */
  readonly sentBytes: number
  /** Session bytes read from this path, framing included. */
  readonly receivedBytes: number
  /** `undefined` for an unlimited path. */
  readonly budget?: PathBudget
  /** Milliseconds since the Unix epoch. */
  readonly openedAt: number
}

/** What the background upgrade to a direct path is doing while the link is relayed. */
export type UpgradeStatus =
  | { readonly status: 'idle' }
  | { readonly status: 'trying'; readonly attempt: number }
  | { readonly status: 'backoff'; readonly attempt: number; readonly retryAt: number }
  /** Policy, or this runtime has no WebRTC. */
  | { readonly status: 'never'; readonly reason: string }

/** Times are milliseconds since the Unix epoch. */
export type LinkState =
  | { readonly status: 'connecting' }
  | { readonly status: 'relayed'; readonly upgrade: UpgradeStatus }
  | { readonly status: 'direct'; readonly standby: 'hot' | 'cold' | 'none' }
  /** No path is left: streams stall, and end with `LinkExpiredError` at `deadline`. */
  | { readonly status: 'recovering'; readonly since: number; readonly deadline: number }
  | { readonly status: 'closed'; readonly reason?: Error }

export interface Transition {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly from: LinkState['status']
  readonly to: LinkState['status']
  /** In words, for people: `webrtc path answered our probe`. */
  readonly cause: string
}

export interface PathEventDetail {
  readonly path: PathInfo
  /** In words, for people. */
  readonly cause: string
}

export interface LinkEvents {
  'link:state': CustomEvent<{ readonly state: LinkState; readonly previous: LinkState; readonly cause: string }>
  'path:open': CustomEvent<PathEventDetail>
  'path:select': CustomEvent<PathEventDetail>
  'path:close': CustomEvent<PathEventDetail>
}

/**
 * What a user holds per peer: the durable libp2p `Connection` and the machine that opens, probes, prefers and abandons
 * the paths that carry it.
 */
export interface Link extends TypedEventTarget<LinkEvents> {
  readonly remotePeer: PeerId

  /** A genuine libp2p connection; `newStream`, `node.dialProtocol` and every service run on it unchanged. */
  readonly connection: Connection

  readonly state: LinkState

  readonly paths: readonly PathInfo[]

  /** The last 64 transitions, oldest first. */
  readonly history: readonly Transition[]

  /**
   * Try for a direct path now, ending any backoff.
   *
   * @throws {UpgradeForbiddenError} the policy says `never`, or this runtime has no WebRTC
   * @throws {UpgradeFailedError} this attempt failed; the link goes on relayed and tries again by itself
   */
  upgrade(options?: AbortOptions): Promise<void>

  /**
   * Resolves when the link is direct; at once if it is. `signal` cancels the wait, not the attempt.
   *
   * @throws {LinkClosedError} the link closed before it became direct
   */
  whenDirect(options?: AbortOptions): Promise<void>

  /**
   * Close every stream for writing, flush, and say good-bye. Resolves when the peer has all bytes.
   *
   * @throws {LinkFlushError} the peer did not acknowledge everything before `signal` or the close timeout ended the wait; it says how many bytes were left
   */
  close(options?: AbortOptions): Promise<void>

  /** End at once; streams are aborted with `err`, the peer is told if a path is up. */
  abort(err: Error): void
}

export interface LinksEvents {
  /** A link came up, dialled by either side. */
  'link:open': CustomEvent<Link>
  'link:close': CustomEvent<Link>
  /** As on the link itself, for every link. */
  'link:state': CustomEvent<{
    readonly link: Link
    readonly state: LinkState
    readonly previous: LinkState
    readonly cause: string
  }>
}

export type UpgradePolicy = 'auto' | 'never' | ((peerId: PeerId) => boolean)

/** The service at `node.services.links`. */
export interface Links extends TypedEventTarget<LinksEvents> {
  /**
   * The link to this peer, dialled if there is none. No address is needed: every known relay is raced. Resolves as soon
   * as the first path is up, relayed or direct; `signal` cancels the wait, and the dial with it if nobody else waits.
   *
   * @throws {NoRouteError} nothing reached the peer; names what was tried and what each answered
   * @throws {PeerRefusedProtocolError} the peer is there but does not speak Holdfast; use `node.dial`
   * @throws {TooManyLinksError} `maxLinks` reached
   */
  dial(peer: PeerId | Multiaddr, options?: AbortOptions): Promise<Link>

  get(peer: PeerId): Link | undefined

  all(): Link[]
}

export interface LinksInit {
  /**
   * Relays to dial peers through when only their PeerId is known: multiaddrs ending in `/p2p/<relay>`. Relays this node
   * listens on are used as well.
   *
   * @default []
   */
  relays?: Array<string | Multiaddr>

  /** Ask before a link with this peer exists, dialled by either side. @default everybody */
  accept?: (peerId: PeerId) => boolean | Promise<boolean>

  /**
   * Whether to look for a direct path. `never`, or a function that answers false, reveals no IP address to the peer:
   * nothing is offered, and offers are refused.
   *
   * @default 'auto'
   */
  upgrade?: UpgradePolicy

  /**
   * For the WebRTC peer connections of upgrades. No third party's STUN server is contacted unless named here.
   *
   * @default { iceServers: [] }
   */
  rtcConfiguration?: RTCConfiguration | (() => RTCConfiguration | Promise<RTCConfiguration>)

  /**
   * How long a link without any path keeps its streams, in ms. Raising it keeps memory of unreachable peers longer.
   *
   * @default 60_000
   */
  resumeWindowMs?: number

  /** Links held at once, recovering ones included. Raising it costs up to 2 x `maxBufferedBytes` each. @default 256 */
  maxLinks?: number

  /**
   * Bytes buffered per link and direction: unacknowledged ones we sent, and unread ones we received.
   *
   * @default 4_194_304
   */
  maxBufferedBytes?: number

  /** Bound of one dial over all addresses, in ms. @default 10_000 */
  dialTimeoutMs?: number

  /** Bound of one upgrade attempt, in ms; the first ones get less: 4 s, then 8 s. @default 10_000 */
  upgradeTimeoutMs?: number

  /** Bound of the session handshake on a new carrier, in ms. @default 5_000 */
  handshakeTimeoutMs?: number

  /** How long `close()` and `node.stop()` wait for the peer to acknowledge what was sent, in ms. @default 5_000 */
  closeTimeoutMs?: number

  /** Silence on an idle path before it is probed, in ms. Lowering it costs idle traffic. @default 5_000 */
  heartbeatIntervalMs?: number
}
