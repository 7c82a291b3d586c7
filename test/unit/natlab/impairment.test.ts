import { describe, expect, it } from 'vitest'
import { meanLoss, wiresOf } from '../../natlab/impairment.ts'

describe('what a wire is asked to do', () => {
  it('is the same each way, unless each way is named', () => {
    expect(wiresOf({ delayMs: 5 })).toEqual({ up: { delayMs: 5 }, down: { delayMs: 5 } })
    expect(wiresOf({ up: { delayMs: 5 } })).toEqual({ up: { delayMs: 5 }, down: {} })
    expect(wiresOf({})).toEqual({ up: {}, down: {} })
  })

  it('gets the chances of bursts that were left out', () => {
    const burst = { goodToBad: 0.1, badToGood: 0.5, lossInGood: 0, lossInBad: 1 }
    expect(wiresOf({ loss: { burst: { goodToBad: 0.1, badToGood: 0.5 } } }).up).toEqual({ loss: { burst } })
  })

  it.each([
    [{ delayMs: -1 }, 'delayMs is -1; it has to be from 0 to 60000'],
    [{ jitterMs: Number.NaN }, 'jitterMs is NaN; it has to be from 0 to 60000'],
    [{ down: { queueMs: 60_001 } }, 'queueMs is 60001; it has to be from 0 to 60000'],
    [{ rateBitsPerSecond: 0 }, 'rateBitsPerSecond is 0; it has to be from 1 to 1000000000000'],
    [{ loss: 1.5 }, 'loss is 1.5; it has to be from 0 to 1'],
    [{ loss: { burst: { goodToBad: 2, badToGood: 1 } } }, 'loss.burst.goodToBad is 2; it has to be from 0 to 1'],
    [
      { loss: { burst: { goodToBad: 1, badToGood: 0 } } },
      'loss.burst.badToGood is 0: a bad wire would stay bad; use cut() for that'
    ]
  ])('%j is refused', (impairment, message) => {
    expect(() => wiresOf(impairment)).toThrow(new RangeError(message))
  })

  it('loses in the long run what the Gilbert-Elliott model says', () => {
    expect(meanLoss(0.03)).toBe(0.03)
    expect(meanLoss({ burst: { goodToBad: 0.01, badToGood: 0.2 } })).toBeCloseTo(0.01 / 0.21, 12)
    // A third of the time bad: 2/3 x 10 % + 1/3 x 40 %.
    expect(meanLoss({ burst: { goodToBad: 0.1, badToGood: 0.2, lossInGood: 0.1, lossInBad: 0.4 } })).toBeCloseTo(
      0.2,
      12
    )
  })
})
