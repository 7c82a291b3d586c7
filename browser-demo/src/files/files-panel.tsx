import type { PeerId } from '@libp2p/interface'
import { useComputed, useSignal } from '@preact/signals'
import { useId, useMemo } from 'preact/hooks'
import { DropZone } from './drop-zone.tsx'
import type { FileTransfers } from './model.ts'
import { TransferRow } from './transfer-row.tsx'
import { eventInWords } from './words.ts'

export interface FilesPanelProps {
  readonly files: FileTransfers
  readonly peer: PeerId
}

/** The files of one peer, in both directions. */
export function FilesPanel({ files, peer }: FilesPanelProps) {
  const heading = useId()
  const transfers = useMemo(() => files.of(peer), [files, peer])
  const linkStatus = useMemo(() => files.linkStatus(peer), [files, peer])
  const mistake = useSignal('')
  // Starts, ends and questions, not each step: what a screen reader should say.
  const news = useComputed(() => transfers.value.map(eventInWords).find((text) => text !== '') ?? '')

  return (
    <section aria-labelledby={heading} data-testid="files" class="files">
      <h4 id={heading}>Files</h4>
      <DropZone
        onFiles={(chosen) => {
          mistake.value = ''
          for (const file of chosen) files.send(peer, file)
        }}
        onMistake={(text) => {
          mistake.value = text
        }}
      />
      <p role="alert" class="mistake" data-testid="files-mistake" hidden={mistake.value === ''}>
        {mistake}
      </p>
      <p role="status" class="unseen">
        {news}
      </p>
      {transfers.value.length > 0 && (
        <ul class="transfers" data-testid="transfers" aria-label="Files on their way and those that are there">
          {/* Newest last: what somebody is about to press does not move when another file comes. */}
          {transfers.value.toReversed().map((transfer) => (
            <TransferRow
              key={`${transfer.direction}-${transfer.id}`}
              transfer={transfer}
              linkStatus={linkStatus}
              onAccept={() => files.accept(transfer)}
              onCancel={() => files.cancel(transfer)}
              onRemove={() => files.remove(transfer)}
            />
          ))}
        </ul>
      )}
    </section>
  )
}
