import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RaceLostError, race, STAGGER_MS, type Way } from '../../../src/link/race.ts'

interface TestWay extends Way<string> {
  startedAt?: number
  signal?: AbortSignal
}

const start = (): number => Date.now()
const never = new AbortController().signal

/** Answers after so many ms: its name, or by an error. Without a number never, as a dead relay does. */
function way(name: string, afterMs?: number, error?: Error): TestWay {
  const made: TestWay = {
    name,
    go(signal) {
      made.startedAt = Date.now()
      made.signal = signal
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
        if (afterMs != null) setTimeout(() => (error == null ? resolve(name) : reject(error)), afterMs)
      })
    }
  }
  return made
}

describe('a race of ways', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  it('leaves the first way alone while it may be quick', async () => {
    const ways = [way('first', STAGGER_MS - 1), way('second', 1)]
    const won = race(ways, never)
    await vi.advanceTimersByTimeAsync(STAGGER_MS)
    expect(await won).toBe('first')
    expect(ways[1]?.startedAt).toBeUndefined()
  })

  it('starts all others together when the first takes longer: any number of dead ones costs the stagger once', async () => {
    const at = start()
    const ways = [way('dead 1'), way('dead 2'), way('dead 3'), way('dead 4'), way('lives', 20)]
    const won = race(ways, never)
    await vi.advanceTimersByTimeAsync(STAGGER_MS + 20)
    expect(await won).toBe('lives')
    expect(ways.map(({ startedAt }) => startedAt! - at)).toEqual([0, ...Array(4).fill(STAGGER_MS)])
    expect(ways.slice(0, 4).every(({ signal }) => signal?.aborted)).toBe(true)
  })

  it('goes on to the next as one fails, and does not begin to wait anew', async () => {
    const at = start()
    const refused = new Error('refused')
    const ways = [way('refuses', 5, refused), way('refuses late', 150, refused), way('dead'), way('lives', 20)]
    const won = race(ways, never)
    await vi.advanceTimersByTimeAsync(STAGGER_MS + 20)
    expect(await won).toBe('lives')
    expect(ways.map(({ startedAt }) => startedAt! - at)).toEqual([0, 5, 155, STAGGER_MS])
  })

  it('names what every way answered when all have failed', async () => {
    const won = race([way('a', 5, new Error('no a')), way('b', 400, new Error('no b'))], never)
    const failed = won.catch((err) => err)
    await vi.advanceTimersByTimeAsync(1_000)
    const error = await failed
    expect(error).toBeInstanceOf(RaceLostError)
    expect(
      error.attempts.map(({ address, error }: RaceLostError['attempts'][number]) => [address, error.message])
    ).toEqual([
      ['a', 'no a'],
      ['b', 'no b']
    ])
  })

  it('ends with a final error, and by its signal', async () => {
    const final = new Error('the peer says no')
    const ways = [way('a', 5, final), way('b', 1)]
    const lost = race(ways, never, (error) => error === final).catch((err) => err)
    await vi.advanceTimersByTimeAsync(5)
    expect(await lost).toBe(final)

    const controller = new AbortController()
    const cancelled = race([way('a'), way('b')], controller.signal).catch((err) => err)
    await vi.advanceTimersByTimeAsync(STAGGER_MS)
    controller.abort(new Error('too late'))
    expect((await cancelled).attempts.map(({ error }: RaceLostError['attempts'][number]) => error.message)).toEqual([
      'too late',
      'too late'
    ])
    expect(vi.getTimerCount()).toBe(0)
  })
})
