import { describe, expect, it } from 'vitest'
import type { ChatMessage } from '../../../browser-demo/src/model/chat.ts'
import { Remembered } from '../../../browser-demo/src/model/remembered.ts'

class MemoryStorage {
  items = new Map<string, string>()
  getItem = (key: string) => this.items.get(key) ?? null
  setItem = (key: string, value: string) => void this.items.set(key, value)
}

const peer = '12D3KooWCaCXoRcDFXvjMjhH1mWuatHbXce1gtwkYwx1raFG5crD'
const message = (id: number): ChatMessage => ({ id, from: 'you', text: `${id}`, at: id, sent: true })

describe('peers of before a reload', () => {
  it('come back with the end of what was said', () => {
    const storage = new MemoryStorage()
    new Remembered(storage).write([{ peer, messages: Array.from({ length: 150 }, (_, i) => message(i)) }])
    const [found] = new Remembered(storage).read()
    expect(found?.peer).toBe(peer)
    expect(found?.messages.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, i) => i + 50))
  })

  it.each(['', '{', 'null', '[1, null, {"peer": 5}]', '[{"peer": "nobody", "messages": []}]'])(
    'are none where the storage holds %j',
    (text) => {
      const storage = new MemoryStorage()
      storage.getItem = () => text
      expect(new Remembered(storage).read()).toEqual([])
    }
  )

  it('are none without a storage, or with a full one', () => {
    const full = new MemoryStorage()
    full.setItem = () => {
      throw new Error('full')
    }
    for (const remembered of [new Remembered(undefined), new Remembered(full)]) {
      remembered.write([{ peer, messages: [] }])
      expect(remembered.read()).toEqual([])
    }
  })
})
