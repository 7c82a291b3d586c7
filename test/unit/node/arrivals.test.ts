// Many streams opened at once are made known a few per task, in order, and none is lost.
import { expect, it } from 'vitest'
import { Arrivals } from '../../../src/node/arrivals.ts'

const task = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

it('the first four are passed on at once, the others in order in the tasks after', async () => {
  const passed: number[] = []
  const arrivals = new Arrivals<number>((arrival) => passed.push(arrival))
  for (const number of numbers(40)) arrivals.add(number)
  expect(passed).toEqual(numbers(4))
  await task()
  expect(passed.length).toBeLessThanOrEqual(8)
  arrivals.add(40)
  for (let i = 0; i < 11; i++) await task()
  expect(passed).toEqual(numbers(41))
})

it('a thousand are passed on as fast as that goes, more as time goes by', async () => {
  const passed: number[] = []
  let now = 0
  const arrivals = new Arrivals<number>(
    (arrival) => passed.push(arrival),
    () => now
  )
  for (const number of numbers(2_000)) arrivals.add(number)
  for (let i = 0; i < 1_000; i++) await task()
  expect(passed).toEqual(numbers(1_000))
  now += 1_000
  await expect.poll(() => passed.length).toBe(1_500)
  arrivals.add(2_000)
  now += 2_000
  await expect.poll(() => passed).toEqual(numbers(2_001))
})

it('one that comes when the share is just used up waits for it alone', async () => {
  const passed: number[] = []
  let now = 0
  const arrivals = new Arrivals<number>(
    (arrival) => passed.push(arrival),
    () => now
  )
  for (const number of numbers(1_000)) arrivals.add(number)
  for (let i = 0; i < 1_000; i++) await task()
  arrivals.add(1_000)
  expect(passed).toEqual(numbers(1_000))
  now += 1_000
  await expect.poll(() => passed).toEqual(numbers(1_001))
})

it('at the end all that wait are passed on', async () => {
  const passed: number[] = []
  const arrivals = new Arrivals<number>(
    (arrival) => passed.push(arrival),
    () => 0
  )
  for (const number of numbers(2_000)) arrivals.add(number)
  for (let i = 0; i < 1_000; i++) await task()
  arrivals.finish()
  expect(passed).toEqual(numbers(2_000))
  arrivals.add(2_000)
  expect(passed).toEqual(numbers(2_001))
})
