import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SessionPath } from '../../src/path/index.ts'
import { pathContract } from './path.contract.ts'
import { type Carriers, startCarriers } from './support/carriers.ts'
import { bulkFrames, mixedFrames, Recorder, sum } from './support/recorder.ts'

pathContract('a circuit relay', { start: () => startCarriers('relayed'), readerCanStop: true })

describe('path over a circuit with stock limits: 128 KiB, 2 minutes', () => {
  let carriers: Carriers

  beforeAll(async () => {
    carriers = await startCarriers('relayed', { limited: true })
  })

  afterAll(() => carriers?.stop())

  it('shows on both sides what is left, in milliseconds, and counts down what the relay counts', async () => {
    const ends = await carriers.open('own')
    const [from, to] = [new Recorder(), new Recorder()]
    const dialler = new SessionPath({ ...ends.dialler, handler: from })
    const listener = new SessionPath({ ...ends.listener, handler: to })
    for (const path of [dialler, listener]) {
      expect(path.limited).toBe(true)
      expect(path.budget!.remainingBytes).toBeGreaterThan(100_000)
      expect(path.budget!.remainingBytes).toBeLessThan(131_072)
      expect(path.budget!.remainingMs).toBeGreaterThan(100_000)
      expect(path.budget!.remainingMs).toBeLessThanOrEqual(120_000)
    }
    const before = dialler.budget!.remainingBytes!
    const frames = mixedFrames(20_000)
    dialler.write(frames)
    await to.until(() => to.frames.length === frames.length)
    for (const path of [dialler, listener]) {
      const used = before - path.budget!.remainingBytes!
      expect(used).toBeGreaterThanOrEqual(sum(frames))
      expect(used).toBeLessThan(sum(frames) + 2_000)
    }
    ends.dialler.connection.abort(new Error('the test is over'))
  })

  it('ends once on both sides when the limit is used up', async () => {
    const ends = await carriers.open('own')
    const [from, to] = [new Recorder(), new Recorder()]
    const dialler = new SessionPath({ ...ends.dialler, handler: from })
    new SessionPath({ ...ends.listener, handler: to })
    dialler.write(bulkFrames(12))
    await Promise.all([from.untilClosed(), to.untilClosed()])
    expect([from.closed, to.closed]).toEqual([1, 1])
    expect(to.frames.length).toBeLessThan(9)
  })
})
