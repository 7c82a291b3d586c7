import type { AbortOptions, TypedEventTarget } from '@libp2p/interface'
import { raceSignal } from 'race-signal'
import type { LinkEvents, LinkState } from './api.ts'

interface Watched extends TypedEventTarget<LinkEvents> {
  readonly state: LinkState
}

const CHANGES = ['link:state', 'path:close', 'path:select'] as const

/** Resolves when this is true of the link, at once if it is. `signal` ends the wait. */
export async function whenTrue(link: Watched, isTrue: () => boolean, options?: AbortOptions): Promise<void> {
  if (isTrue()) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = (): void => {
    if (isTrue()) resolve()
  }
  for (const type of CHANGES) link.addEventListener(type, look)
  try {
    await raceSignal(promise, options?.signal)
  } finally {
    for (const type of CHANGES) link.removeEventListener(type, look)
  }
}
