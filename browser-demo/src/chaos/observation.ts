import { type Signal, signal } from '@preact/signals'
import type { Link, LinkEvents } from 'libp2p-holdfast'

/** What comes later has other causes. */
const watchedMs = 15_000
const maxChanges = 8

export interface Change {
  readonly afterMs: number
  readonly text: string
}

/** What was seen after one press of a button. */
export interface Observation {
  readonly id: number
  readonly action: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** What the press did, or why nothing. */
  readonly outcome: Signal<string>
  readonly changes: Signal<readonly Change[]>
  /** Until a message sent after the press was reported by the other side. */
  readonly flow: Signal<{ readonly afterMs: number } | 'waiting' | 'no-stream'>
}

let lastId = 0

/** Listens to the link for a while. */
export function observe(link: Link | undefined, action: string): Observation {
  const start = performance.now()
  const observation: Observation = {
    id: ++lastId,
    action,
    at: Date.now(),
    outcome: signal(''),
    changes: signal([]),
    flow: signal('waiting')
  }
  const { changes } = observation
  const add = (text: string): void => {
    if (changes.value.length >= maxChanges) return
    changes.value = [...changes.value, { afterMs: performance.now() - start, text }]
  }
  const onState = ({ detail: { state, previous, cause } }: LinkEvents['link:state']): void => {
    if (state.status !== previous.status) add(`${previous.status} → ${state.status}: ${cause}`)
  }
  link?.addEventListener('link:state', onState)
  setTimeout(() => link?.removeEventListener('link:state', onState), watchedMs)
  return observation
}

/** Shows in the observation when the other side has what was sent after the press. */
export async function timeFlow(
  observation: Observation,
  there: Promise<void> | undefined,
  sinceMs: number
): Promise<void> {
  if (there == null) {
    observation.flow.value = 'no-stream'
    return
  }
  try {
    await there
    observation.flow.value = { afterMs: performance.now() - sinceMs }
  } catch {
    observation.flow.value = 'no-stream'
  }
}
