// Frames are lost, repeated, swapped and changed on purpose: each has to show, and nothing may show without.
import { describe, expect, it } from 'vitest'
import { nothing, ReceivingLedger, SendingLedger, sum } from '../../../../browser-demo/src/chaos/ledger.ts'
import {
  decodePulse,
  decodeReport,
  encodePulse,
  encodeReport,
  maxFrameBytes
} from '../../../../browser-demo/src/chaos/pulse-frames.ts'

interface Sent {
  readonly number: number
  readonly frame: Uint8Array
}

function send(ledger: SendingLedger, count: number): Sent[] {
  return Array.from({ length: count }, () => {
    const number = ledger.next
    const frame = encodePulse({ number, isUrgent: false })
    ledger.sent(frame)
    return { number, frame }
  })
}

function run(deliver: (frames: Sent[]) => Sent[], count = 20) {
  const sending = new SendingLedger()
  const receiving = new ReceivingLedger()
  for (const { number, frame } of deliver(send(sending, count))) receiving.received(number, frame)
  sending.reported(decodeReport(encodeReport(receiving.report)))
  return sending.totals
}

const bytes = (frames: readonly Sent[]): number => frames.reduce((total, { frame }) => total + frame.byteLength, 0)

describe('the ledger', () => {
  it('shows sent = arrived and nothing else when all is well', () => {
    let sentBytes = 0
    const totals = run((frames) => {
      sentBytes = bytes(frames)
      return frames
    })
    expect(sentBytes).toBeGreaterThan(0)
    expect(totals).toEqual({ ...nothing, sentBytes, arrivedBytes: sentBytes })
  })

  it('counts what is on its way as in flight, not as lost', () => {
    let behind = 0
    const totals = run((frames) => {
      behind = bytes(frames.slice(15))
      return frames.slice(0, 15)
    })
    expect(totals).toMatchObject({ inFlightBytes: behind, lostBytes: 0, isAltered: false })
    expect(totals.arrivedBytes + behind).toBe(totals.sentBytes)
  })

  it('shows a lost frame as soon as a later one arrived', () => {
    let lostBytes = 0
    const totals = run((frames) => {
      lostBytes = bytes(frames.splice(7, 2))
      return frames
    })
    expect(lostBytes).toBeGreaterThan(0)
    expect(totals).toMatchObject({ lostBytes, inFlightBytes: 0 })
    expect(totals.arrivedBytes).toBe(totals.sentBytes - lostBytes)
  })

  it('shows a repeated frame', () => {
    const totals = run((frames) => frames.toSpliced(5, 0, frames[4]!))
    expect(totals).toMatchObject({
      repeatedBytes: encodePulse({ number: 4, isUrgent: false }).byteLength,
      lostBytes: 0,
      inFlightBytes: 0
    })
  })

  it('shows a swapped frame', () => {
    const totals = run((frames) => frames.with(5, frames[6]!).with(6, frames[5]!))
    expect(totals).toMatchObject({
      reorderedBytes: encodePulse({ number: 5, isUrgent: false }).byteLength,
      lostBytes: 0,
      isAltered: true
    })
  })

  it('shows a changed byte', () => {
    const totals = run((frames) => {
      const frame = frames[3]!.frame.slice()
      frame[frame.byteLength - 1]! ^= 1
      return frames.with(3, { number: 3, frame })
    })
    expect(totals).toMatchObject({ isAltered: true, lostBytes: 0 })
  })

  it('counts what was on its way on a stream that is gone as lost', () => {
    const sending = new SendingLedger()
    const receiving = new ReceivingLedger()
    const frames = send(sending, 10)
    for (const { number, frame } of frames.slice(0, 4)) receiving.received(number, frame)
    sending.reported(receiving.report)
    sending.gone()
    expect(sending.totals).toMatchObject({ lostBytes: bytes(frames.slice(4)), inFlightBytes: 0 })
  })

  it('adds up over many reports and keeps no frame it does not need', () => {
    const sending = new SendingLedger()
    const receiving = new ReceivingLedger()
    for (let round = 0; round < 200; round++) {
      for (const { number, frame } of send(sending, 50)) receiving.received(number, frame)
      sending.reported(receiving.report)
      sending.reported(receiving.report)
    }
    expect(sending.totals).toMatchObject({ lostBytes: 0, inFlightBytes: 0, isAltered: false })
    expect(sending.totals.arrivedBytes).toBe(sending.totals.sentBytes)
  })

  it.each([
    ['frames that were never sent', { highest: 99 }],
    ['more bytes than were sent', { arrivedBytes: 1_000_000 }],
    ['less than before', { highest: 3 }]
  ])('does not believe a report of %s', (_what, wrong) => {
    const sending = new SendingLedger()
    const receiving = new ReceivingLedger()
    for (const { number, frame } of send(sending, 10)) receiving.received(number, frame)
    sending.reported(receiving.report)
    const before = sending.totals
    expect(() => sending.reported({ ...receiving.report, ...wrong })).toThrow(RangeError)
    expect(sending.totals).toEqual(before)
  })

  it('does not keep count of an absurd gap', () => {
    const receiving = new ReceivingLedger()
    expect(() => receiving.received(4_000_000_000, new Uint8Array(5))).toThrow(RangeError)
  })

  it('sums', () => {
    const one = { ...nothing, sentBytes: 5, arrivedBytes: 3, lostBytes: 2 }
    const other = { ...nothing, sentBytes: 1, inFlightBytes: 1, isAltered: true }
    expect(sum([one, other])).toEqual({
      ...nothing,
      sentBytes: 6,
      arrivedBytes: 3,
      lostBytes: 2,
      inFlightBytes: 1,
      isAltered: true
    })
  })
})

describe('frames of the pulse', () => {
  it('say their number, differ in size and content, and fit', () => {
    const sizes = new Set<number>()
    for (let number = 0; number < 500; number++) {
      const frame = encodePulse({ number, isUrgent: number % 2 === 1 })
      expect(decodePulse(frame)).toEqual({ number, isUrgent: number % 2 === 1 })
      expect(frame.byteLength).toBeLessThanOrEqual(maxFrameBytes)
      sizes.add(frame.byteLength)
    }
    expect(sizes.size).toBeGreaterThan(200)
  })

  it.each([
    ['no JSON', new Uint8Array([1, 2])],
    ['nothing in it', new TextEncoder().encode('{}')],
    ['text for a number', new TextEncoder().encode('{"frames":"1","highest":0,"arrivedBytes":1}')]
  ])('a report with %s is refused', (_what, report) => {
    expect(() => decodeReport(report)).toThrow()
  })

  it('a frame that is too short is refused', () => {
    expect(() => decodePulse(new Uint8Array(3))).toThrow(RangeError)
  })
})
