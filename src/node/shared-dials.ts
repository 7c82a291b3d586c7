import type { AbortOptions } from '@libp2p/interface'
import { raceSignal } from 'race-signal'

interface Dial<T> {
  readonly result: Promise<T>
  readonly controller: AbortController
  waiting: number
}

/** One attempt per key, whoever asks meanwhile joins it; it is abandoned when nobody waits any more. */
export class SharedDials<T> {
  readonly #dials = new Map<string, Dial<T>>()
  readonly #timeoutMs: number

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  has(key: string): boolean {
    return this.#dials.has(key)
  }

  async join(key: string, start: (signal: AbortSignal) => Promise<T>, options?: AbortOptions): Promise<T> {
    options?.signal?.throwIfAborted()
    const dial = this.#dials.get(key) ?? this.#start(key, start)
    dial.waiting++
    try {
      return await raceSignal(dial.result, options?.signal)
    } finally {
      dial.waiting--
      if (dial.waiting === 0) dial.controller.abort(new Error('nobody waits for this dial any more'))
    }
  }

  abort(error: Error): void {
    for (const { controller } of this.#dials.values()) controller.abort(error)
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<T>): Dial<T> {
    const controller = new AbortController()
    const timeout = setTimeout(() => {
      controller.abort(new Error(`no answer within ${this.#timeoutMs} ms (dialTimeoutMs)`))
    }, this.#timeoutMs)
    const result = start(controller.signal).finally(() => {
      clearTimeout(timeout)
      this.#dials.delete(key)
    })
    result.catch(() => {})
    const dial: Dial<T> = { result, controller, waiting: 0 }
    this.#dials.set(key, dial)
    return dial
  }
}
