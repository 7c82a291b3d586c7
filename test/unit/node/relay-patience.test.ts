import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { STAGGER_MS } from '../../../src/link/index.ts'
import { throughLivingRelay } from '../../../src/node/relay-patience.ts'

/** A connection on which streams never open, as on one whose other end is gone. */
function deadConnection() {
  const abort = vi.fn()
  const newStream = vi.fn((_protocol: string, { signal }: { signal: AbortSignal }) => {
    return new Promise<Stream>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  })
  return { connection: { status: 'open', newStream, abort } as unknown as Connection, newStream, abort }
}

describe('a dial through a relay', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  it('asks nothing while it is quick', async () => {
    const { connection, newStream } = deadConnection()
    expect(
      await throughLivingRelay(
        () => [connection],
        async () => 'circuit'
      )
    ).toBe('circuit')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(newStream).not.toHaveBeenCalled()
  })

  it('gives up a connection to the relay that does not answer', async () => {
    const { connection, abort } = deadConnection()
    const timeouts = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('late')), ms)
      return controller.signal
    })
    const dial = Promise.withResolvers<string>()
    const dialling = throughLivingRelay(
      () => [connection],
      () => dial.promise
    )
    await vi.advanceTimersByTimeAsync(STAGGER_MS + 2_999)
    expect(abort).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(abort).toHaveBeenCalledOnce()
    dial.resolve('circuit')
    await dialling
    timeouts.mockRestore()
  })

  it('gives it up also when the peer was reached by another way first, and doubts the relay at once', async () => {
    const { connection, abort } = deadConnection()
    const timeouts = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('late')), ms)
      return controller.signal
    })
    const dial = Promise.withResolvers<string>()
    const watcher = { trust: vi.fn(), doubt: vi.fn() }
    const dialling = throughLivingRelay(
      () => [connection],
      () => dial.promise,
      watcher
    )
    await vi.advanceTimersByTimeAsync(STAGGER_MS)
    expect(watcher.doubt).toHaveBeenCalledOnce()
    dial.reject(new Error('another way was faster'))
    await expect(dialling).rejects.toThrow('another way was faster')
    await vi.advanceTimersByTimeAsync(3_000)
    expect(abort).toHaveBeenCalledOnce()
    expect(watcher.trust).not.toHaveBeenCalled()
    timeouts.mockRestore()
  })

  it('leaves it alone when the circuit came meanwhile', async () => {
    const { connection, abort } = deadConnection()
    const timeouts = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('late')), ms)
      return controller.signal
    })
    const dial = Promise.withResolvers<string>()
    const dialling = throughLivingRelay(
      () => [connection],
      () => dial.promise
    )
    await vi.advanceTimersByTimeAsync(1_000)
    dial.resolve('circuit')
    await dialling
    await vi.advanceTimersByTimeAsync(10_000)
    expect(abort).not.toHaveBeenCalled()
    timeouts.mockRestore()
  })
})
