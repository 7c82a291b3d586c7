import type { CountedFrame } from '../wire/index.ts'
import type { ControlItem } from './sent-item.ts'
import type { StreamState } from './stream-state.ts'

/** Control frames owed to the peer, each once, first in first out. */
export class ControlQueue {
  readonly #items = new Map<string, ControlItem>()

  get isEmpty(): boolean {
    return this.#items.size === 0
  }

  owe(item: ControlItem): void {
    this.#items.set('stream' in item ? `${item.type} ${item.stream}` : item.type, item)
  }

  take(): ControlItem | undefined {
    if (this.#items.size === 0) return undefined
    const [key, item] = this.#items.entries().next().value!
    this.#items.delete(key)
    return item
  }

  clear(): void {
    this.#items.clear()
  }
}

/** The frame of an item about one stream, from its current state; undefined when it has become pointless meanwhile. */
export function streamControlFrame(
  item: Exclude<ControlItem, { type: 'maxData' }>,
  { send, receive }: StreamState
): CountedFrame | undefined {
  switch (item.type) {
    case 'reset':
      if (send.status !== 'resetting') return undefined
      return { type: 'reset', stream: item.stream, code: item.code, finalOffset: send.sentOffset }
    case 'stopSending':
      if (receive.status !== 'stopped' || receive.finalOffset != null) return undefined
      return { type: 'stopSending', stream: item.stream, code: item.code }
    case 'maxStreamData':
      if (receive.status !== 'open' || receive.finalOffset != null) return undefined
      return { type: 'maxStreamData', stream: item.stream, max: receive.granted }
  }
}
