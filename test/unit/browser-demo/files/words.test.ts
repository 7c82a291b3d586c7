import { expect, it } from 'vitest'
import { Transfer } from '../../../../browser-demo/src/files/transfer.ts'
import { eventInWords, progressInWords, statusInWords } from '../../../../browser-demo/src/files/words.ts'

const transfer = (direction: 'in' | 'out', sizeBytes = 10_000_000): Transfer =>
  new Transfer({ id: 'id', peer: 'peer', direction, name: 'a.txt', sizeBytes, status: 'offered' })

it('progress says how much, and what it waits for', () => {
  const file = transfer('out')
  file.become({ status: 'running' })
  file.progress(2_500_000)
  expect(progressInWords(file, false)).toBe('25 %, 2.5 MB of 10.0 MB')
  expect(progressInWords(file, true)).toBe('25 %, 2.5 MB of 10.0 MB · waiting for a path')
  file.bytesPerSecond.value = 1_500_000
  expect(progressInWords(file, false)).toBe('25 %, 2.5 MB of 10.0 MB · 1.5 MB/s · 5 s left')
  file.become({ status: 'interrupted', reason: 'the link expired' })
  expect(progressInWords(file, false)).toContain('goes on where it stopped: the link expired')
  expect(file.bytesPerSecond.value, 'the rate of before is over').toBeUndefined()
})

it('an empty file is no division by zero', () => {
  expect(progressInWords(transfer('in', 0), false)).toContain('100 %')
})

it('digests that differ are never called done', () => {
  const digests = { ours: 'a', theirs: 'b' }
  expect(statusInWords({ status: 'done', digests }, 'in')).toBe('arrived damaged')
  expect(statusInWords({ status: 'done', digests: { ours: 'a', theirs: 'a' } }, 'out')).toMatch(/^done/)
})

it('what is over stays over', () => {
  const file = transfer('in')
  file.become({ status: 'cancelled', by: 'us', reason: 'declined' })
  file.become({ status: 'running' })
  expect(file.state.value.status).toBe('cancelled')
  expect(file.signal.aborted).toBe(true)
  expect(eventInWords(file)).toBe('a.txt: you declined it')
})

it('steps are not announced, questions are', () => {
  const file = transfer('in')
  expect(eventInWords(file)).toContain('Do you want this file?')
  file.become({ status: 'running' })
  expect(eventInWords(file)).toBe('')
})
