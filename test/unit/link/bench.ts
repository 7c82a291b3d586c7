import { LinkMachine } from '../../../src/link/link.step.ts'
import type { LinkEffect, LinkEvent } from '../../../src/link/link-events.ts'
import type { PathStats } from '../../../src/session/index.ts'

export const RELAYED = 0
export const DIRECT = 2

/** The machine of side 0 with stats that a test sets by hand. */
export class Bench {
  readonly machine: LinkMachine
  readonly stats = new Map<number, PathStats>()
  now = 1_000

  constructor(neverUpgrade?: string) {
    const config = { resumeWindowMs: 60_000, upgradeTimeoutMs: 10_000, heartbeatIntervalMs: 5_000 }
    this.machine = new LinkMachine({ side: 0, config, neverUpgrade, random: () => 0.5 })
  }

  step(event: LinkEvent): LinkEffect[] {
    return this.machine.step(event, this.stats.values(), this.now)
  }

  attach(path: number, over: Partial<Extract<LinkEvent, { type: 'attached' }>> = {}): LinkEffect[] {
    this.heard(path)
    const kind = path === RELAYED ? 'relayed' : 'webrtc'
    return this.step({ type: 'attached', path, kind, opener: 0, ample: true, ...over })
  }

  heard(path: number, over: Partial<PathStats> = {}): void {
    this.stats.set(path, {
      path,
      status: 'healthy',
      srttMs: 20,
      minRttMs: 20,
      rtoMs: 200,
      inFlightBytes: 0,
      inFlightLimit: 65_536,
      oldestUnackedAt: undefined,
      lastHeardAt: this.now,
      unansweredSince: undefined,
      activeAt: 0,
      low: false,
      ...over
    })
  }

  silentSince(path: number, at: number): void {
    this.heard(path, { lastHeardAt: at - 1, oldestUnackedAt: at, unansweredSince: at })
  }

  /** Relayed first, then direct and proven. */
  direct(): void {
    this.attach(RELAYED)
    this.step({ type: 'pong', path: RELAYED, rttMs: 20 })
    this.attach(DIRECT)
    this.step({ type: 'pong', path: DIRECT, rttMs: 5 })
  }

  low(path: number): LinkEffect[] {
    this.heard(path, { low: true })
    return this.step({ type: 'budgetLow', path })
  }

  pong(path: number): LinkEffect[] {
    return this.step({ type: 'pong', path, rttMs: 20 })
  }

  detach(path: number): LinkEffect[] {
    this.stats.delete(path)
    return this.step({ type: 'detached', path, cause: 'closed' })
  }
}

export const types = (effects: LinkEffect[]): string[] => effects.map(({ type }) => type)
