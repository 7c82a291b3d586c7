// What is seen of a relayed link whose circuits are limited: at its ends, and at the relay.
import type { Link, PathInfo } from '../../src/index.ts'
import type { TestRelay } from './relay.ts'
import { eventually } from './wait-for.ts'

export interface PathEvent {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly what: 'open' | 'select' | 'close'
  readonly path: PathInfo
  readonly cause: string
}

export interface Budgeted {
  readonly id: string
  /** As they were read, in order. */
  readonly remainingBytes: number[]
  readonly remainingMs: number[]
}

const LOOK_EVERY_MS = 20

export class LinkWatch {
  readonly link: Link
  readonly events: PathEvent[] = []
  readonly statuses: string[]
  /** By path. */
  readonly budgets = new Map<string, Budgeted>()
  #circuits: number
  readonly #timer: NodeJS.Timeout

  constructor(link: Link) {
    this.link = link
    this.statuses = [link.state.status]
    // Attached before anybody could listen.
    this.#circuits = link.paths.filter(({ kind }) => kind === 'relayed').length
    for (const what of ['open', 'select', 'close'] as const) {
      link.addEventListener(`path:${what}`, ({ detail: { path, cause } }) => {
        if (what === 'open' && path.kind === 'relayed') this.#circuits++
        this.events.push({ at: Date.now(), what, path, cause })
      })
    }
    link.addEventListener('link:state', ({ detail: { state, previous } }) => {
      if (state.status !== previous.status) this.statuses.push(state.status)
      if (state.status === 'closed') clearInterval(this.#timer)
    })
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS)
    this.#timer.unref()
    this.#look()
  }

  /** Relayed paths there were, the first one included. */
  get circuits(): number {
    return this.#circuits
  }

  /** Ends of relayed paths that nobody here or there meant: the relay's doing. */
  get cut(): string[] {
    return this.events
      .filter(({ what, path, cause }) => what === 'close' && path.kind === 'relayed' && /reset|abort|lost/i.test(cause))
      .map(({ path, cause }) => `${path.id}: ${cause}`)
  }

  /** In one line, for people. */
  get story(): string {
    const start = this.events[0]?.at ?? 0
    return [
      this.statuses.join('>'),
      ...this.events.map(
        ({ at, what, path: { id, budget }, cause }) =>
          `${at - start} ${what} ${id} (${budget?.remainingBytes ?? '-'} B, ${budget?.remainingMs ?? '-'} ms; ${cause})`
      )
    ].join(', ')
  }

  #look(): void {
    for (const { id, budget } of this.link.paths) {
      if (budget == null) continue
      const seen = this.budgets.get(id) ?? { id, remainingBytes: [], remainingMs: [] }
      this.budgets.set(id, seen)
      if (budget.remainingBytes != null) seen.remainingBytes.push(budget.remainingBytes)
      if (budget.remainingMs != null) seen.remainingMs.push(budget.remainingMs)
    }
  }
}

export interface CircuitAsked {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly outcome: 'opened' | 'refused' | 'died'
  /** PeerId. */
  readonly by: string
}

/** As the current process of a stock relay started with `--tell` says. */
export function circuitsOf(relay: { readonly stderr: string }): CircuitAsked[] {
  return [...relay.stderr.matchAll(/^circuit (\d+) (\w+) (\w+)$/gm)].map(([, at, outcome, by]) => ({
    at: Number(at),
    outcome: outcome as CircuitAsked['outcome'],
    by: by!
  }))
}

/** The most circuits that were asked for in any window of so many ms. */
export function mostWithin(circuits: readonly CircuitAsked[], windowMs: number): number {
  return Math.max(
    0,
    ...circuits.map(({ at }) => circuits.filter((other) => other.at >= at && other.at < at + windowMs).length)
  )
}

/** What a stock relay holds now. */
export async function heldBy(relay: TestRelay): Promise<{ connections: number; streams: number }> {
  const told = () => [...relay.stderr.matchAll(/^holds (\d+) (\d+)$/gm)]
  const before = told().length
  process.kill(relay.pid, 'SIGUSR2')
  await eventually('the relay tells what it holds', () => told().length > before)
  const [, connections, streams] = told().at(-1)!
  return { connections: Number(connections), streams: Number(streams) }
}

export function isRunning(relay: TestRelay): boolean {
  try {
    process.kill(relay.pid, 0)
    return true
  } catch {
    return false
  }
}
