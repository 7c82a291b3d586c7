import type { AbortOptions, Connection, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PathBudget, PathKind } from '../path/index.ts'

/**
 * What a path is used for:
 *
 * - `active`: application data is sent here
 * - `standby`: attached and healthy, carries no application data
 * - `suspect`: sent bytes are not acknowledged in time; new bytes go elsewhere
 * - `opening`: carrier is up, our own probe has not been echoed yet
 */
export type PathRole = 'opening' | 'active' | 'standby' | 'suspect'

/** A snapshot of one path of a link; reading `link.paths` again gives fresh numbers. */
export interface PathInfo {
  /** Names the path within its link. */
  readonly id: string
  /** What its carrier runs over. */
  readonly kind: PathKind
  /** What it is used for now. */
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

/**
 * What the background upgrade to a direct path is doing while the link is relayed. Attempts count from 1; `retryAt` is in
 * milliseconds since the Unix epoch.
 */
export type UpgradeStatus =
  /** Nothing is under way: the peer is the side that tries, or an attempt is about to begin. */
  | { readonly status: 'idle' }
  /** An attempt is under way. */
  | { readonly status: 'trying'; readonly attempt: number }
  /** `attempt` of them were made; the next begins at `retryAt`. */
  | { readonly status: 'backoff'; readonly attempt: number; readonly retryAt: number }
  /** Policy, or this runtime has no WebRTC. */
  | { readonly status: 'never'; readonly reason: string }

/** Where a link is. Times are milliseconds since the Unix epoch. */
export type LinkState =
  /** The first path is being opened. */
  | { readonly status: 'connecting' }
  /** Data goes over a relay; `upgrade` says what the search for a direct path does. */
  | { readonly status: 'relayed'; readonly upgrade: UpgradeStatus }
  /**
   * Data goes directly. `hot`: a relayed path stands by; `cold`: a circuit is dialled as soon as the direct path is suspect.
   * Which follows from the relay's limits: without any it is hot; with circuits of a minute or more, while the application talks
   * and for 30 s after that; with shorter ones it is cold.
   */
  | { readonly status: 'direct'; readonly standby: 'hot' | 'cold' | 'none' }
  /** No path is left: streams stall, and end with `LinkExpiredError` at `deadline`. */
  | { readonly status: 'recovering'; readonly since: number; readonly deadline: number }
  /** For good; `reason` is missing where one side closed it in an orderly way. */
  | { readonly status: 'closed'; readonly reason?: Error }

/** One change of a link's state. */
export interface Transition {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** `status` before. */
  readonly from: LinkState['status']
  /** `status` after. */
  readonly to: LinkState['status']
  /** In words, for people: `webrtc path answered our probe`. */
  readonly cause: string
}

/** What happened to a path, and why. */
export interface PathEventDetail {
  /** The path as it was then. */
  readonly path: PathInfo
  /** In words, for people. */
  readonly cause: string
}

/** What a `Link` dispatches. */
export interface LinkEvents {
  /** The state changed: from `previous` to `state`; `cause` is in words, for people. */
  'link:state': CustomEvent<{ readonly state: LinkState; readonly previous: LinkState; readonly cause: string }>
  /** A path was attached. */
  'path:open': CustomEvent<PathEventDetail>
  /** Application data is sent on this path from now on. */
  'path:select': CustomEvent<PathEventDetail>
  /** A path is gone; what was not acknowledged on it is sent again on another. */
  'path:close': CustomEvent<PathEventDetail>
}

/**
 * What a user holds per peer: the durable libp2p `Connection` and the machine that opens, probes, prefers and abandons
 * the paths that carry it.
 */
export interface Link extends TypedEventTarget<LinkEvents> {
  /** Whom it leads to. */
  readonly remotePeer: PeerId

  /** A genuine libp2p connection; `newStream`, `node.dialProtocol` and every service run on it unchanged. */
  readonly connection: Connection

  /** Where the link is now; `link:state` says when that changes. */
  readonly state: LinkState

  /** The paths attached now, 4 at most; while recovering there may be none. */
  readonly paths: readonly PathInfo[]

  /** The last 64 transitions, oldest first. */
  readonly history: readonly Transition[]

  /**
   * Try for a direct path now, ending any backoff. Resolves when the link is direct; `signal` cancels the wait, not the
   * attempt.
   *
   * @throws {LinkClosedError} the link is closed
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
   * Close every stream for writing, flush, and say good-bye. Resolves when the peer has all bytes. Closing
   * dials nothing but the next circuit where a limited one is used up: a link that is recovering waits for a path that the
   * peer opens, or ends at once when every stream has ended.
   *
   * @throws {LinkFlushError} the peer did not acknowledge everything before `signal` or `closeTimeoutMs` ended the wait; `unacknowledgedBytes` says how much is left
   */
  close(options?: AbortOptions): Promise<void>

  /** End at once; streams are aborted with `err`, the peer is told if a path is up. */
  abort(err: Error): void
}

/**
 * What is being done about a reservation. Attempts count from 1 since it was lost; times are milliseconds since the Unix
 * epoch.
 */
export type ReservationStatus =
  /** None is wanted: enough other relays have this node, or the page is put aside. */
  | { readonly status: 'idle' }
  /** An attempt is under way. */
  | { readonly status: 'trying'; readonly attempt: number }
  /** `attempt` of them failed, the last by `cause`; the next begins at `retryAt`. */
  | { readonly status: 'backoff'; readonly attempt: number; readonly retryAt: number; readonly cause: string }
  /** This node is reachable through the relay. */
  | { readonly status: 'reserved'; readonly since: number }

/** A snapshot of one relay that this node is, or may become, reachable through. */
export interface ReservationInfo {
  /** Who the relay is. */
  readonly relay: PeerId
  /** Where it is, `/p2p/<relay>` included. */
  readonly address: Multiaddr
  /** What is being done about it. */
  readonly state: ReservationStatus
}

/** Which relay took this node in. */
export interface ReservationDetail {
  /** Who the relay is. */
  readonly relay: PeerId
  /** Where it is, `/p2p/<relay>` included. */
  readonly address: Multiaddr
}

/** Which relay does not have this node any more, and why. */
export interface ReservationLostDetail extends ReservationDetail {
  /** In words, for people: `the connection to the relay was lost`. */
  readonly cause: string
}

/** What the `links` service dispatches. */
export interface LinksEvents {
  /** A relay took this node in: it is reachable through that relay from now on. */
  'reservation:open': CustomEvent<ReservationDetail>
  /** This node is not reachable through a relay any more; not dispatched by `stop()`. */
  'reservation:lost': CustomEvent<ReservationLostDetail>

  /** A link came up, dialled by either side. */
  'link:open': CustomEvent<Link>
  /** A link ended, for whatever reason; `link.state` has it. */
  'link:close': CustomEvent<Link>
  /** As on the link itself, for every link. */
  'link:state': CustomEvent<{
    readonly link: Link
    readonly state: LinkState
    readonly previous: LinkState
    readonly cause: string
  }>
}

/** Whether to look for a direct path: always, never, or as the function says for this peer. */
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
   * @throws {LinkRefusedError} a policy refuses it, ours (`accept`) or the peer's; or one of the two is a relay
   * @throws {LinkClosedError} the node is not started, or is stopping
   * @throws {InvalidOptionError} a multiaddr that names no peer, or this node's own PeerId
   */
  dial(peer: PeerId | Multiaddr, options?: AbortOptions): Promise<Link>

  /** The link to this peer, `undefined` if there is none. Never dials. */
  get(peer: PeerId): Link | undefined

  /** All links there are, recovering ones included. */
  all(): Link[]

  /**
   * The relays this node is reachable through or tries to be, those it likes best first, and its spares; none before it has
   * started. `reservation:open` and `reservation:lost` say when one changes.
   */
  readonly reservations: readonly ReservationInfo[]
}

/** Options of `links()`; `createNode()` takes them too. A number out of its bounds is an `InvalidOptionError`. */
export interface LinksInit {
  /**
   * Relays to dial peers through when only their PeerId is known: multiaddrs ending in `/p2p/<relay>`. Relays this node
   * listens on are used as well.
   *
   * @default []
   */
  relays?: Array<string | Multiaddr>

  /**
   * At how many of `relays` this node keeps a reservation, to be reachable. Which ones follows from its PeerId, so that
   * nodes spread over relays. Where one cannot be had the next steps in, and is given back when that one is there again for a
   * minute. Others are only dialled through. Starting waits for the first of them. Raising it costs the relays a connection
   * each, and this node a ping per 30 s; lowering it to 1 makes a relay's end an outage of seconds.
   *
   * Relays in libp2p's `addresses.listen`, as `<relay>/p2p-circuit`, are reserved in any case.
   *
   * @default 2 for `createNode()`, 0 for `links()`
   */
  reservations?: number

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
   * Bytes buffered per link and direction: unacknowledged ones we sent, and unread ones we received. Raising it costs that
   * much memory for each link whose peer does not read; lowering it limits the rate over long round trips.
   *
   * A stream that nobody reads holds 1 MiB of it at most. Four such streams hold the default: until one of them is read, the
   * link's other streams get no more than their first 4 KiB. What a `message` listener was called with counts as read: pause a
   * stream whose listener cannot keep up.
   *
   * @default 4_194_304
   */
  maxBufferedBytes?: number

  /**
   * Bound of one dial over all addresses, in ms. Raising it makes callers wait longer for a peer that is not there.
   *
   * @default 10_000
   */
  dialTimeoutMs?: number

  /**
   * Bound of one upgrade attempt, in ms; the first ones get less: 4 s, then 8 s. Raising it keeps a stuck attempt in the
   * way of the next one for longer.
   *
   * @default 10_000
   */
  upgradeTimeoutMs?: number

  /**
   * Bound of the session handshake on a new carrier, in ms. Raising it makes dialling slower to turn from a relay that is
   * connected and forwards nothing.
   *
   * @default 5_000
   */
  handshakeTimeoutMs?: number

  /**
   * How long `close()` and `node.stop()` wait for the peer to acknowledge what was sent, in ms. Raising it makes them
   * slower where the peer is gone; lowering it loses what a slow peer has not acknowledged.
   *
   * @default 5_000
   */
  closeTimeoutMs?: number

  /**
   * Asked when the page comes back from the back/forward cache, before anything is dialled. False ends all links: somebody
   * else is this peer now. @default always
   */
  mayResume?: () => boolean | Promise<boolean>

  /**
   * Silence on an idle path before it is probed, in ms. Lowering it costs idle traffic; raising it makes the death of an
   * idle path noticed later: after three of these.
   *
   * @default 5_000
   */
  heartbeatIntervalMs?: number
}
