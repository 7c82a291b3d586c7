import type { LinkState } from './api.ts'

/** The machine counts on the session's monotonic clock; users get times since the Unix epoch, `offsetMs` later. */
export function toEpoch(state: LinkState, offsetMs: number): LinkState {
  if (state.status === 'recovering') {
    return { ...state, since: Math.round(state.since + offsetMs), deadline: Math.round(state.deadline + offsetMs) }
  }
  if (state.status === 'relayed' && state.upgrade.status === 'backoff') {
    return { ...state, upgrade: { ...state.upgrade, retryAt: Math.round(state.upgrade.retryAt + offsetMs) } }
  }
  return state
}
