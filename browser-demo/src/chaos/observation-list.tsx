import type { ReadonlySignal } from '@preact/signals'
import type { Observation } from './observation.ts'

interface ObservationListProps {
  readonly observations: ReadonlySignal<readonly Observation[]>
}

/** What was seen after each press, newest first. */
export function ObservationList({ observations }: ObservationListProps) {
  return (
    <ol class="observations" aria-label="What was observed" aria-live="polite" data-testid="observations">
      {observations.value.map((observation) => (
        <ObservationItem key={observation.id} observation={observation} />
      ))}
    </ol>
  )
}

function ObservationItem({
  observation: { action, at, outcome, changes, flow }
}: {
  readonly observation: Observation
}) {
  return (
    <li data-testid="observation">
      <p>
        <b>{action}</b> at <time dateTime={new Date(at).toISOString()}>{new Date(at).toLocaleTimeString()}</time>:{' '}
        {outcome}.
      </p>
      <p data-testid="flow" data-flowed={typeof flow.value === 'object'}>
        {flowInWords(flow.value)}
      </p>
      {changes.value.length > 0 && (
        <ul>
          {changes.value.map(({ afterMs, text }) => (
            <li key={`${afterMs} ${text}`}>
              {Math.round(afterMs)} ms: {text}
            </li>
          ))}
        </ul>
      )}
    </li>
  )
}

function flowInWords(flow: Observation['flow']['value']): string {
  if (flow === 'waiting') return 'No message has come through since.'
  if (flow === 'no-stream') return 'There is no message stream to time.'
  return `${Math.round(flow.afterMs)} ms until the other side had what was sent after it, and said so.`
}
