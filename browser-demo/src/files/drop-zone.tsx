import { useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'

interface DropZoneProps {
  onFiles(files: File[]): void
  onMistake(text: string): void
}

/** A labelled file input that files can be dropped on as well. */
export function DropZone({ onFiles, onMistake }: DropZoneProps) {
  const input = useId()
  const isOver = useSignal(false)

  const onDrop = (event: DragEvent): void => {
    event.preventDefault()
    isOver.value = false
    const items = [...(event.dataTransfer?.items ?? [])].filter(({ kind }) => kind === 'file')
    const isFolder = (item: DataTransferItem): boolean => item.webkitGetAsEntry()?.isDirectory === true
    if (items.some(isFolder)) onMistake('A folder cannot be sent: pack it into one file, or drop the files in it.')
    onFiles(items.filter((item) => !isFolder(item)).flatMap((item) => item.getAsFile() ?? []))
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is the mouse's way only, the input is everybody's
    <div
      class="drop-zone"
      data-testid="drop-zone"
      data-over={isOver.value}
      onDragOver={(event) => {
        event.preventDefault()
        isOver.value = true
      }}
      onDragLeave={() => {
        isOver.value = false
      }}
      onDrop={onDrop}
    >
      <label for={input}>Send files, up to 1 GiB each: choose them, or drop them here</label>
      <input
        id={input}
        data-testid="file-input"
        type="file"
        multiple
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])])
          currentTarget.value = ''
        }}
      />
    </div>
  )
}
