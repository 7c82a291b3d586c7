import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RelayTurns } from '../../../src/node/relay-turns.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const never = new AbortController().signal

/** When each of so many that ask at once had its turn, in ms. */
async function turnsOf(turns: RelayTurns, relay: string, count: number): Promise<number[]> {
  const start = performance.now()
  const at: number[] = []
  for (let i = 0; i < count; i++) void turns.next(relay, never).then(() => at.push(performance.now() - start))
  await vi.advanceTimersByTimeAsync(20_000)
  return at
}

describe('the turns of a node at a relay', () => {
  it('are eight at once, then three per second, a little apart', async () => {
    const at = await turnsOf(new RelayTurns(), 'relay', 14)
    expect(at.slice(0, 8)).toEqual(Array(8).fill(0))
    for (const [index, ms] of at.slice(8).entries()) {
      expect(ms).toBeGreaterThanOrEqual(((index + 1) * 1_000) / 3 - 1)
      expect(ms).toBeLessThanOrEqual(((index + 1) * 1_000) / 3 + 51)
    }
  })

  it('are each relay’s own', async () => {
    const turns = new RelayTurns()
    await turnsOf(turns, 'one', 8)
    expect(await turnsOf(turns, 'other', 8)).toEqual(Array(8).fill(0))
  })

  it('are taken by dials that do not wait, which make nobody wait for longer than a full burst does', async () => {
    const turns = new RelayTurns()
    for (let i = 0; i < 100; i++) turns.onDial('relay')
    const [first] = await turnsOf(turns, 'relay', 1)
    expect(first).toBeGreaterThanOrEqual(332)
    expect(first).toBeLessThanOrEqual(385)
  })

  it('are waited for until the signal ends that', async () => {
    const turns = new RelayTurns()
    await turnsOf(turns, 'relay', 8)
    for (let i = 0; i < 8; i++) turns.onDial('relay')
    const aborted = new AbortController()
    const waiting = Promise.all(Array.from({ length: 9 }, () => turns.next('relay', aborted.signal)))
    aborted.abort(new Error('nobody needs it'))
    await expect(waiting).rejects.toThrow()
  })
})
