/** Every number of the link with the reason for it, in ms unless said otherwise. */
export interface LinkConfig {
  /** How long a link without any path keeps its streams. */
  readonly resumeWindowMs: number
  /** Bound of one upgrade attempt: browsers gather and connect within 5 s on good networks, and fail after 11-15 s. */
  readonly upgradeTimeoutMs: number
  /** Silence on an idle path before we probe it. Three unanswered probes this far apart make 15 s. */
  readonly heartbeatIntervalMs: number
}

/** Backoff between upgrade attempts: full jitter, doubling. */
export const UPGRADE_BACKOFF = { firstMs: 1_000, maxMs: 300_000 } as const

/**
 * Bound of the first attempt, doubling with each failure up to `upgradeTimeoutMs`. Those that succeed take 0.1-2 s on real
 * networks; about one in fifty gets stuck and would keep the link relayed for the whole bound.
 */
export const FIRST_UPGRADE_TIMEOUT_MS = 4_000

/**
 * Backoff between redials while recovering. Short: the user waits, the window is a minute, and where no event tells that
 * the network is back, it is what is waited for.
 */
export const REDIAL_BACKOFF = { firstMs: 250, maxMs: 2_500 } as const

/** The side that did not open the last path waits this long before it redials too, so that both don't meet halfway. */
export const REDIAL_RESPONDER_DELAY_MS = 1_000

/** A path is dead after this much silence following a counted frame, or 8 RTO if longer. */
export const DEAD_AFTER_MS = 2_000
export const DEAD_AFTER_RTOS = 8

/**
 * A path found dead is looked at again after this and one round trip of its own: when a process runs again after a pause,
 * its paths are heard one after the other.
 */
export const SECOND_LOOK_MS = 50

/**
 * Silence on all paths, with our frames unacknowledged, that turns the link `recovering`: three seconds after the peer is
 * gone, less what timers of a busy process are late. Processes that pause for 2 s must not get there.
 */
export const RECOVERING_AFTER_MS = 2_800

/** How often is looked whether an outage has begun, and whether our own timers were held up; costs nothing on the wire. */
export const LOOK_EVERY_MS = 1_500

/** Every path must have been asked this long before: longer than what a pause of the peer leaves to be read. */
export const LAST_ASKED_BEFORE_MS = 1_000

/** Silence on all paths after which their carriers are given up: mobile radios go quiet for 2-10 s and come back. */
export const GIVE_UP_AFTER_MS = 15_000

/** Probes of ours in a row that must stay unanswered before an idle path is dead. */
export const IDLE_DEATH_PROBES = 3

/** A probe counts as unanswered after this. */
export const PROBE_ANSWER_MS = 2_900

/**
 * Side 1 probes this much later than side 0, whose probe it hears instead: a path that works is asked once per interval, not
 * twice. More than a round trip.
 */
export const SECOND_ASKER_MS = 500

/**
 * Silence before a standby is probed while the direct path beside it answers. Below the 30 s at which its carrier would ask,
 * and what NATs and proxies forget a connection after.
 */
export const STANDBY_HEARTBEAT_MS = 25_000

/** An unanswered probe of the active path makes us ask the standby too, so that both are known dead within 15 s. */
export const DOUBT_MS = 500

/** Of two direct paths, a challenger must be this much faster, absolutely and relatively. */
export const RTT_ADVANTAGE_MS = 5
export const RTT_ADVANTAGE_RATIO = 0.8

/** A second relayed path is kept this long beside the one that stays, so that nothing in flight needs replay. */
export const DUPLICATE_GRACE_MS = 2_000

/** A path kind that dies this often within the window is quarantined, 5 s doubling to 5 min. */
export const QUARANTINE = { deaths: 3, windowMs: 60_000, firstMs: 5_000, maxMs: 300_000 } as const

/** Between attempts to replace a relayed path that the relay refuses: full jitter, doubling. Not for long: somebody may wait. */
export const RENEWAL_BACKOFF = { firstMs: 500, maxMs: 5_000 } as const

/** The peer may ask for a path to be replaced that is at least so old: each costs 5.5 kB, and a peer may ask for ever. */
export const ASKED_RENEWAL_AGE_MS = 1_000

/** A limited standby is given up when the application has said nothing for this long. */
export const STANDBY_IDLE_MS = 30_000

/** And dialled again when it goes on talking for this long: a word now and then is not worth a circuit. */
export const STANDBY_WANTED_AFTER_MS = 5_000

/** Circuits at least this long are cheap to stand by on: replacing one costs 5.5 kB, 115 B/s of these. */
export const CHEAP_CIRCUIT_MS = 60_000

/** One that is not is kept this long beside a direct path that is new, or was suspect. */
export const DEAR_STANDBY_MS = 5_000

/** Transitions kept in `link.history`. */
export const HISTORY_LENGTH = 64

/** A relayed path with at least this left is as good as unlimited for standing by. */
export const AMPLE_BYTES = 64 * 1_048_576

/** Later than planned by this much, our timer was held up: suspend, a frozen tab, a debugger. */
export const TIMER_GAP_MS = 2_000
export const SLEEP_GAP_MS = 10_000

/** What is read within this time of a late timer may have waited for us to wake. */
export const WAKING_MS = 1_000
