import type { RefObject } from 'preact'
import { useLayoutEffect } from 'preact/hooks'

/**
 * What goes away must not take the focus with it: its successor gets it, or the heading, where no key does harm. Not by
 * focus events: windows in the background have none, and not every browser tells of what was removed.
 */
export function useKeptFocus(card: RefObject<HTMLElement | null>): void {
  const root = card.current
  const before = root?.contains(document.activeElement) ? document.activeElement : undefined
  useLayoutEffect(() => {
    if (root == null || before == null || before.isConnected) return
    const heir = root.querySelector<HTMLElement>('[data-testid=redial]') ?? root.querySelector('h3')
    heir?.focus()
  })
}
