import type { ReadonlySignal } from '@preact/signals'
import type { LinkState } from 'libp2p-holdfast'
import { useId } from 'preact/hooks'
import { DigestLine } from './digest-line.tsx'
import { save } from './save.ts'
import type { Transfer } from './transfer.ts'
import { bytesInWords, progressInWords, statusInWords } from './words.ts'

interface TransferRowProps {
  readonly transfer: Transfer
  readonly linkStatus: ReadonlySignal<LinkState['status'] | undefined>
  onAccept(): void
  onCancel(): void
  onRemove(): void
}

export function TransferRow({ transfer, linkStatus, onAccept, onCancel, onRemove }: TransferRowProps) {
  const nameId = useId()
  const { name, sizeBytes, direction } = transfer
  const state = transfer.state.value
  const isOver = transfer.isOver.value
  const hasBegun = ['running', 'checking', 'interrupted'].includes(state.status)
  const isStalled = hasBegun && state.status !== 'interrupted' && linkStatus.value === 'recovering'

  return (
    <li class="transfer" data-testid="transfer" data-direction={direction} data-status={state.status}>
      <p>
        <span>{direction === 'out' ? 'To the peer: ' : 'From the peer: '}</span>
        <b id={nameId}>
          <bdi>{name}</bdi>
        </b>{' '}
        <small>{bytesInWords(sizeBytes)}</small>
      </p>
      {hasBegun && (
        <progress
          aria-labelledby={nameId}
          aria-valuetext={progressInWords(transfer, isStalled)}
          max={Math.max(1, sizeBytes)}
          value={transfer.storedBytes.value}
        />
      )}
      <p data-testid="transfer-status">
        {hasBegun ? progressInWords(transfer, isStalled) : statusInWords(state, direction)}
      </p>
      {state.status === 'done' && <DigestLine digests={state.digests} direction={direction} />}
      <p class="transfer-actions">
        {direction === 'in' && state.status === 'offered' && (
          <button type="button" onClick={onAccept} aria-describedby={nameId}>
            Accept
          </button>
        )}
        {!isOver && (
          <button type="button" class="secondary" onClick={onCancel} aria-describedby={nameId}>
            {direction === 'in' && state.status === 'offered' ? 'Decline' : 'Cancel'}
          </button>
        )}
        {transfer.contents.value != null && state.status === 'done' && (
          <button type="button" onClick={() => save(transfer)} aria-describedby={nameId}>
            {transfer.savedAt.value == null ? 'Save' : 'Save again'}
          </button>
        )}
        {isOver && (
          <button type="button" class="secondary" onClick={onRemove} aria-describedby={nameId}>
            Remove from the list
          </button>
        )}
      </p>
      {transfer.savedAt.value != null && (
        <p role="status" data-testid="transfer-saved">
          Given to the browser's downloads at {new Date(transfer.savedAt.value).toLocaleTimeString()}. This page keeps
          its copy until you remove it or leave.
        </p>
      )}
    </li>
  )
}
