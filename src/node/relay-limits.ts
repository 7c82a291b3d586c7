import type { Connection, Logger, PeerId, PeerStore } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { peerIdFromString } from '@libp2p/peer-id'
import delay from 'delay'
import { fromString as uint8ArrayFromString } from 'uint8arrays/from-string'
import { toString as uint8ArrayToString } from 'uint8arrays/to-string'
import { type CircuitCut, peerIdOf, relayOf } from '../link/index.ts'
import type { CircuitBudget, ObservedLimits } from '../path/index.ts'
import { type Cut, learn } from './relay-limits.step.ts'

/** In the peer store's metadata of the relay: JSON of what was observed, and when (ms since the Unix epoch). */
const METADATA_KEY = 'holdfast-circuit-limits'

/** Timers, and the relay's, are so exact. */
const UNIT_SLACK_MS = 500

/** Operators change limits: what was learned is forgotten after a day. */
const VALID_MS = 86_400_000

interface Known {
  readonly limits: ObservedLimits
  readonly at: number
}

export interface RelayLimitsInit {
  readonly peerStore: PeerStore
  readonly connectionManager: ConnectionManager
  readonly log: Logger
}

/** What relays really allow their circuits, as links found out. */
export class RelayLimits {
  readonly #init: RelayLimitsInit
  readonly #known = new Map<string, Known>()
  readonly #lastCuts = new Map<string, Cut>()
  readonly #watching = new Set<string>()

  constructor(init: RelayLimitsInit) {
    this.#init = init
  }

  /** Reads what the peer store kept of earlier runs. */
  async load(): Promise<void> {
    for (const { id, metadata } of await this.#init.peerStore.all()) {
      const stored = metadata.get(METADATA_KEY)
      if (stored == null || this.#known.has(id.toString())) continue
      const known = parse(stored)
      if (known != null) this.#known.set(id.toString(), known)
    }
  }

  of({ remoteAddr }: Pick<Connection, 'remoteAddr'>): ObservedLimits | undefined {
    const relay = relayOf(remoteAddr)
    const known = relay == null ? undefined : this.#known.get(peerIdOf(relay) ?? '')
    return known == null || Date.now() - known.at > VALID_MS ? undefined : known.limits
  }

  onCut(cut: CircuitCut): void {
    const id = peerIdOf(cut.relay)
    if (id == null) return
    // A relay that went away, or that we lost, says nothing of its limits.
    if (!this.#wasThere(peerIdFromString(id), cut.at)) return
    const before = this.#known.get(id)?.limits ?? {}
    const learned = learn(cut, before, this.#lastCuts.get(id))
    if (learned.cut != null) this.#lastCuts.set(id, learned.cut)
    if (learned.limits !== before) this.#remember(id, learned.limits)
  }

  /**
   * Read as milliseconds, this relay's seconds make circuits short: one that nobody needs any more is kept for so long, and a
   * moment, to see whether it ends then. One per relay.
   */
  async watchUnit(carrier: Connection, { isUnsure, limitMs }: CircuitBudget, signal: AbortSignal): Promise<void> {
    const relay = relayOf(carrier.remoteAddr)
    const id = relay == null ? undefined : peerIdOf(relay)
    if (!isUnsure || limitMs == null || id == null || this.#watching.has(id)) return
    this.#watching.add(id)
    const closed = new AbortController()
    const onClose = (): void => closed.abort()
    carrier.addEventListener('close', onClose, { once: true })
    try {
      const leftMs = carrier.timeline.open + limitMs + UNIT_SLACK_MS - Date.now()
      await delay(Math.max(0, leftMs), { signal: AbortSignal.any([signal, closed.signal]) })
      this.#remember(id, { ...this.#known.get(id)?.limits, saysSeconds: true })
    } catch {
      // Ended before its time is over, it says nothing.
      const ageMs = Date.now() - carrier.timeline.open
      if (closed.signal.aborted && Math.abs(ageMs - limitMs) < UNIT_SLACK_MS)
        this.#remember(id, { ...this.#known.get(id)?.limits, saysSeconds: false })
    } finally {
      carrier.removeEventListener('close', onClose)
      this.#watching.delete(id)
    }
  }

  #remember(id: string, limits: ObservedLimits): void {
    this.#init.log('relay %s allows its circuits %o', id, limits)
    const known = { limits, at: Date.now() }
    this.#known.set(id, known)
    const metadata = { [METADATA_KEY]: uint8ArrayFromString(JSON.stringify(known)) }
    this.#init.peerStore
      .merge(peerIdFromString(id), { metadata })
      .catch((err) => this.#init.log('relay limits not stored - %e', err))
  }

  #wasThere(relay: PeerId, at: number): boolean {
    return this.#init.connectionManager
      .getConnections(relay)
      .some(({ status, timeline }) => status === 'open' && timeline.open <= at)
  }
}

/** Whoever can write to the peer store may have written anything. */
function parse(stored: Uint8Array): Known | undefined {
  try {
    const { limits, at } = JSON.parse(uint8ArrayToString(stored)) as { limits?: Record<string, unknown>; at?: unknown }
    if (limits == null || typeof at !== 'number') return undefined
    const { bytes, ms, saysSeconds } = limits
    return {
      at,
      limits: {
        ...(typeof bytes === 'number' && bytes > 0 ? { bytes } : {}),
        ...(typeof ms === 'number' && ms > 0 ? { ms } : {}),
        ...(typeof saysSeconds === 'boolean' ? { saysSeconds } : {})
      }
    }
  } catch {
    return undefined
  }
}
