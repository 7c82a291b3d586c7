import { useSignal } from '@preact/signals'

export interface CopyButtonProps {
  readonly testId: string
  /** `your PeerId`, for those who cannot see where the button is. */
  readonly what: string
  /** Nothing to copy yet without it. */
  readonly text: string | undefined
  readonly announce: (text: string) => void
}

const SAID_FOR_MS = 2_000

export function CopyButton({ testId, what, text, announce }: CopyButtonProps) {
  const copied = useSignal(false)
  const copy = async (): Promise<void> => {
    if (text == null) return
    try {
      await navigator.clipboard.writeText(text)
      copied.value = true
      announce(`Copied ${what}`)
      setTimeout(() => {
        copied.value = false
      }, SAID_FOR_MS)
    } catch {
      // Browsers may refuse the clipboard; from here people can copy by hand.
      prompt(`Copy ${what} from here`, text)
    }
  }
  return (
    <button
      type="button"
      class="outline small"
      data-testid={testId}
      aria-label={copied.value ? `Copied ${what}` : `Copy ${what}`}
      aria-disabled={text == null}
      onClick={() => void copy()}
    >
      {copied.value ? 'Copied' : 'Copy'}
    </button>
  )
}
