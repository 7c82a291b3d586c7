import { useRef } from 'preact/hooks'
import { ChaosDrawer } from '../chaos/index.ts'
import { FilesPanel } from '../files/index.ts'
import type { Demo } from '../model/demo.ts'
import type { Peer } from '../model/peer.ts'
import { BudgetGauges } from './budget-gauges.tsx'
import { ChatBox } from './chat-box.tsx'
import { CopyButton } from './copy-button.tsx'
import { PathTable } from './path-table.tsx'
import { RttPlot } from './rtt-plot.tsx'
import { Timeline } from './timeline.tsx'
import { useKeptFocus } from './use-kept-focus.ts'

export interface CardProps {
  readonly demo: Demo
  readonly peer: Peer
}

export function LinkCard({ demo, peer }: CardProps) {
  const card = useRef<HTMLElement>(null)
  useKeptFocus(card)
  const state = peer.state.value
  return (
    <article
      ref={card}
      class="card"
      data-testid="link-card"
      data-peer={peer.id.toString()}
      data-state={state.status}
      data-upgrade={state.status === 'relayed' ? state.upgrade.status : ''}
      aria-label={`Link with ${peer.name}`}
    >
      <header>
        <div>
          <h3 tabIndex={-1}>
            Peer <code data-testid="card-peer">{peer.name}</code>
          </h3>
          <p class="state" data-testid="link-state">
            {peer.words}
          </p>
        </div>
        <CopyButton
          testId="card-copy"
          what={`the PeerId of ${peer.name}`}
          text={peer.id.toString()}
          announce={demo.announce}
        />
      </header>
      <div class="halves">
        <div class="half">
          <RttPlot peer={peer} />
          <Timeline peer={peer} />
        </div>
        <ChatBox demo={demo} peer={peer} />
      </div>
      <FilesPanel files={demo.files} peer={peer.id} />
      <PathTable peer={peer} />
      <BudgetGauges peer={peer} />
      <ChaosDrawer chaos={demo.chaos} peer={peer.id} />
      <Actions demo={demo} peer={peer} />
    </article>
  )
}

function Actions({ demo, peer }: CardProps) {
  const state = peer.state.value
  const closed = state.status === 'closed'
  const waiting = state.status === 'relayed' && ['idle', 'backoff'].includes(state.upgrade.status)
  return (
    <footer class="actions">
      {closed ? (
        <button key="redial" type="button" data-testid="redial" onClick={() => void demo.dial(peer.id)}>
          Dial again
        </button>
      ) : (
        <button
          key="close"
          type="button"
          class="outline secondary"
          data-testid="close"
          onClick={() => void demo.close(peer)}
        >
          Close the link
        </button>
      )}
      {waiting && (
        <button
          key="upgrade"
          type="button"
          class="outline"
          data-testid="upgrade"
          onClick={() => void demo.upgrade(peer)}
        >
          Look for a direct path now
        </button>
      )}
    </footer>
  )
}
