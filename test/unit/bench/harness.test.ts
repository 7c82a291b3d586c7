import { describe, expect, it } from 'vitest'
import { interleave, jsonLine, machine, median, medians } from '../../../bench/harness.ts'

describe('median', () => {
  it('is the middle of an odd number of values, in any order', () => {
    expect(median([9, 1, 5])).toBe(5)
  })

  it('is the mean of the two in the middle of an even number', () => {
    expect(median([4, 1, 2, 100])).toBe(3)
  })

  it('leaves its input alone', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })

  it('refuses nothing', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})

describe('medians', () => {
  it('is taken per metric, over the samples that have it', () => {
    expect(medians([{ a: 1, b: 7 }, { a: 3 }, { a: 2.04 }])).toEqual({ a: 2, b: 7 })
  })
})

describe('interleave', () => {
  const contestant = (name: string, order: string[], runs?: number) => ({
    name,
    runs,
    run: async () => ({ at: order.push(name) })
  })

  it('takes turns', async () => {
    const order: string[] = []
    const { samples, failures } = await interleave([contestant('A', order), contestant('B', order)], 3)
    expect(order.join('')).toBe('ABABAB')
    expect(failures).toEqual([])
    expect(samples).toEqual({ A: [{ at: 1 }, { at: 3 }, { at: 5 }], B: [{ at: 2 }, { at: 4 }, { at: 6 }] })
  })

  it('spreads the runs of who has fewer', async () => {
    const order: string[] = []
    await interleave([contestant('A', order), contestant('B', order, 3)], 9)
    expect(order.join('')).toBe('AAABAAABAAAB')
  })

  it('never runs more than asked for', async () => {
    const order: string[] = []
    await interleave([contestant('A', order), contestant('B', order, 3)], 2)
    expect(order.join('')).toBe('ABAB')
  })

  it('runs a failed run again, says so, and gives up after three in a row', async () => {
    const lines: string[] = []
    let runs = 0
    const flaky = {
      name: 'A',
      run: async () => {
        if (++runs !== 3) throw new Error('no luck')
        return { ms: 1 }
      }
    }
    await expect(interleave([flaky], 1, (line) => lines.push(line))).resolves.toEqual({
      samples: { A: [{ ms: 1 }] },
      failures: ['A failed: no luck', 'A failed: no luck']
    })
    expect(lines).toEqual(['A failed: no luck', 'A failed: no luck', '1/1 A: {"ms":1}'])
    await expect(interleave([flaky], 1)).rejects.toThrow('A failed 3 times in a row')
  })
})

describe('the JSON line', () => {
  it('is one line with these keys', () => {
    const line = jsonLine({ name: 'x', ours: { ms: 1 }, stock: { ms: 2 }, rivals: {}, runs: 3, machine: machine() })
    expect(line).not.toContain('\n')
    expect(Object.keys(JSON.parse(line))).toEqual(['name', 'ours', 'stock', 'rivals', 'runs', 'machine'])
    expect(Object.keys(JSON.parse(line).machine)).toEqual(['cores', 'node', 'platform', 'arch'])
  })

  it('says what was asked for that is not the default', () => {
    const options = { rttMs: 50 }
    const line = jsonLine({ name: 'x', ours: {}, stock: {}, rivals: {}, runs: 1, machine: machine(), options })
    expect(JSON.parse(line).options).toEqual({ rttMs: 50 })
  })
})
