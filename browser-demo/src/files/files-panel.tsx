import type { PeerId } from '@libp2p/interface'
import type { FileTransfers } from './model.ts'

export interface FilesPanelProps {
  readonly files: FileTransfers
  readonly peer: PeerId
}

export function FilesPanel(_props: FilesPanelProps) {
  return (
    <section aria-label="Files">
      <h4>Files</h4>
    </section>
  )
}
