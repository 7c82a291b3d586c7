import type { PeerId } from '@libp2p/interface'
import type { LinkState, PathInfo, PathKind, PathRole } from 'libp2p-holdfast'

export const kinds: Record<PathKind, string> = {
  relayed: 'Relay',
  webrtc: 'WebRTC',
  'webrtc-direct': 'WebRTC Direct',
  webtransport: 'WebTransport',
  websocket: 'WebSocket',
  quic: 'QUIC',
  tcp: 'TCP',
  other: 'Other'
}

export const roles: Record<PathRole, string> = {
  opening: 'being probed',
  active: 'in use',
  standby: 'on standby',
  suspect: 'suspect, traffic goes elsewhere'
}

const standby = { hot: ', relay on standby', cold: ', relay in reserve', none: ', nothing on standby' }

const seconds = (until: number, now: number): number => Math.max(0, Math.ceil((until - now) / 1000))

export function shortPeer(peer: PeerId): string {
  const text = peer.toString()
  return `${text.slice(0, 4)}…${text.slice(-8)}`
}

export function stateInWords(state: LinkState, paths: readonly PathInfo[], now: number): string {
  switch (state.status) {
    case 'connecting':
      return 'connecting'
    case 'relayed':
      switch (state.upgrade.status) {
        case 'idle':
          return 'relayed'
        case 'trying':
          return 'relayed, looking for a direct path'
        case 'backoff':
          return `relayed, next try for a direct path in ${seconds(state.upgrade.retryAt, now)} s`
        case 'never':
          return `relayed, no direct path: ${state.upgrade.reason}`
      }
      break
    case 'direct': {
      const direct = paths.find((path) => path.role === 'active' && path.kind !== 'relayed')
      return `direct${direct == null ? '' : ` over ${kinds[direct.kind]}`}${standby[state.standby]}`
    }
    case 'recovering':
      return `recovering: all paths are down, ${seconds(state.deadline, now)} s left`
    case 'closed':
      return state.reason == null ? 'closed' : `closed: ${state.reason.message}`
  }
}

/** A relayed path is known by its relay, a direct one by its kind. */
export function pathName(path: PathInfo): string {
  if (path.kind !== 'relayed') return kinds[path.kind]
  const [host, port] = path.remoteAddr.getComponents()
  return host?.value == null ? kinds.relayed : `${kinds.relayed} ${host.value}:${port?.value ?? '?'}`
}

export function rttInWords(rttMs: number | null | undefined): string {
  if (rttMs == null) return 'not measured yet'
  return `${rttMs < 10 ? rttMs.toFixed(1) : Math.round(rttMs)} ms`
}

export function durationInWords(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
}

export function bytesInWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`
  return `${(bytes / 1_000_000_000).toFixed(2)} GB`
}
