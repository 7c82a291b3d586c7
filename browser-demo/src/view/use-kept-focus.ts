import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'

/** What goes away must not take the focus with it: its successor gets it, or the heading, where no key does harm. */
export function useKeptFocus(card: RefObject<HTMLElement | null>): void {
  const last = useRef<Element | null>(null)
  useEffect(() => {
    const root = card.current
    const remember = ({ target }: FocusEvent): void => {
      last.current = target as Element
    }
    const forget = ({ relatedTarget }: FocusEvent): void => {
      if (relatedTarget != null) last.current = null
    }
    root?.addEventListener('focusin', remember)
    root?.addEventListener('focusout', forget)
    return () => {
      root?.removeEventListener('focusin', remember)
      root?.removeEventListener('focusout', forget)
    }
  }, [card])
  useLayoutEffect(() => {
    if (last.current == null || last.current.isConnected || document.activeElement !== document.body) return
    last.current = null
    const heir = card.current?.querySelector<HTMLElement>('[data-testid=redial]') ?? card.current?.querySelector('h3')
    heir?.focus()
  })
}
