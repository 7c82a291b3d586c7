import { peerIdFromString } from '@libp2p/peer-id'
import type { ChatMessage } from './chat.ts'

const key = 'holdfast-demo/peers'

/** Kept per peer over a reload. */
const keptMessages = 100

export interface RememberedPeer {
  readonly peer: string
  readonly messages: readonly ChatMessage[]
}

/**
 * The peers this tab is linked with and what was said, so that a reload is a blink. A tab's own: other tabs are other
 * peers.
 */
export class Remembered {
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'> | undefined

  constructor(storage: Pick<Storage, 'getItem' | 'setItem'> | undefined) {
    this.#storage = storage
  }

  read(): RememberedPeer[] {
    try {
      const found: unknown = JSON.parse(this.#storage?.getItem(key) ?? '[]')
      return Array.isArray(found) ? found.filter(isRemembered) : []
    } catch {
      return []
    }
  }

  write(peers: readonly RememberedPeer[]): void {
    try {
      const kept = peers.map(({ peer, messages }) => ({ peer, messages: messages.slice(-keptMessages) }))
      this.#storage?.setItem(key, JSON.stringify(kept))
    } catch {
      // A full or forbidden storage costs only what a reload would have brought back.
    }
  }
}

function isRemembered(value: unknown): value is RememberedPeer {
  const { peer, messages } = (value ?? {}) as Partial<RememberedPeer>
  try {
    return peerIdFromString(peer ?? '') != null && Array.isArray(messages)
  } catch {
    return false
  }
}

/** Browsers that forbid storage throw at the mere mention of it. */
export function tabStorage(): Storage | undefined {
  try {
    return sessionStorage
  } catch {
    return undefined
  }
}
