import { maxFileBytes } from './limits.ts'
import type { EndReason } from './protocol.ts'
import type { Transfer, TransferState } from './transfer.ts'

export function bytesInWords(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`
  return `${(bytes / 1_000_000_000).toFixed(2)} GB`
}

export function timeInWords(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.ceil(seconds))} s`
  if (seconds < 3_600) return `${Math.ceil(seconds / 60)} min`
  return `${(seconds / 3_600).toFixed(1)} h`
}

/** What the other side answered. */
export const theirReasons: Record<EndReason, string> = {
  cancelled: 'the other side cancelled it',
  declined: 'the other side did not want it',
  'too-many': 'the other side has too many files waiting: let it remove some',
  'too-large': `the other side takes no more than ${bytesInWords(maxFileBytes)} per file`,
  storage: 'the other side could not store it',
  unreadable: 'the other side could not read it any more'
}

export function statusInWords(state: TransferState, direction: 'in' | 'out'): string {
  switch (state.status) {
    case 'queued':
      return 'waits for the others'
    case 'offered':
      return direction === 'out' ? 'waits for the other side to take it' : 'Do you want this file?'
    case 'running':
      return 'on its way'
    case 'checking':
      return 'all bytes are there, the SHA-256 is being compared'
    case 'interrupted':
      return `waits for the other side, goes on where it stopped: ${state.reason}`
    case 'done':
      if (state.digests.ours !== state.digests.theirs) return 'arrived damaged'
      return direction === 'out' ? 'done: the other side has all of it' : 'done'
    case 'cancelled':
      return state.by === 'us' ? `you ${state.reason} it` : state.reason
    case 'failed':
      return `failed: ${state.reason}`
  }
}

/** `isStalled`: the link has no path at the moment, and keeps everything. */
export function progressInWords(transfer: Transfer, isStalled: boolean): string {
  const { direction, sizeBytes } = transfer
  const state = transfer.state.value
  const stored = transfer.storedBytes.value
  const rate = transfer.bytesPerSecond.value
  const percent = sizeBytes === 0 ? 100 : Math.floor((100 * stored) / sizeBytes)
  const amount = `${percent} %, ${bytesInWords(stored)} of ${bytesInWords(sizeBytes)}`
  if (isStalled) return `${amount} · waiting for a path`
  if (state.status !== 'running') return `${amount} · ${statusInWords(state, direction)}`
  if (rate == null || rate === 0) return amount
  return `${amount} · ${bytesInWords(rate)}/s · ${timeInWords((sizeBytes - stored) / rate)} left`
}

/** What is worth an announcement; empty for what only goes on. */
export function eventInWords({ name, state, direction }: Transfer): string {
  const { value } = state
  if (value.status === 'queued' || value.status === 'running' || value.status === 'checking') return ''
  if (value.status === 'offered' && direction === 'out') return ''
  return `${name}: ${statusInWords(value, direction)}`
}
