import type { PeerId } from '@libp2p/interface'
import { useEffect, useId } from 'preact/hooks'
import { LedgerView } from './ledger-view.tsx'
import type { Chaos } from './model.ts'
import { ObservationList } from './observation-list.tsx'

export interface ChaosDrawerProps {
  readonly chaos: Chaos
  readonly peer: PeerId
}

/** Closed at first; while it is open, a pulse of numbered messages runs. */
export function ChaosDrawer({ chaos, peer }: ChaosDrawerProps) {
  const words = useId()
  const { isForbidden, observations } = chaos.of(peer)
  useEffect(() => () => chaos.close(peer), [chaos, peer])

  return (
    <details
      class="chaos"
      data-testid="chaos"
      onToggle={({ currentTarget }) => {
        if (currentTarget.open) chaos.open(peer)
        else chaos.close(peer)
      }}
    >
      <summary>Chaos: break paths, count bytes</summary>
      <LedgerView chaos={chaos} peer={peer} />
      <ul class="chaos-actions">
        <li>
          <button type="button" aria-describedby={`${words}-direct`} onClick={() => chaos.dropDirect(peer)}>
            Drop the direct path
          </button>
          <small id={`${words}-direct`}>
            Ends the WebRTC connection at once. Traffic goes on over the relay; a new direct path is looked for.
          </small>
        </li>
        <li>
          <button type="button" aria-describedby={`${words}-relay`} onClick={() => chaos.dropRelay(peer)}>
            Drop the relay
          </button>
          <small id={`${words}-relay`}>
            Ends the relayed paths and this page's connection to the relay, for all its links. It is dialled again by
            itself.
          </small>
        </li>
        <li>
          <label>
            <input
              type="checkbox"
              role="switch"
              aria-checked={isForbidden.value}
              aria-describedby={`${words}-forbid`}
              checked={isForbidden.value}
              disabled={chaos.upgrade === 'never'}
              onChange={({ currentTarget }) => chaos.forbidDirect(peer, currentTarget.checked)}
            />{' '}
            Forbid direct paths
          </label>
          <small id={`${words}-forbid`}>
            {chaos.upgrade === 'never'
              ? 'This page was opened without direct paths.'
              : 'Ends the direct path, looks for no other and refuses those of the other side, until you allow it again.'}
          </small>
        </li>
      </ul>
      <ObservationList observations={observations} />
    </details>
  )
}
