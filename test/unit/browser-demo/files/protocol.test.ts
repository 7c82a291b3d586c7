import { expect, it } from 'vitest'
import {
  encodeJson,
  FileProtocolError,
  framed,
  maxMessageBytes,
  parseAnswer,
  parseFirst,
  parseTrailer
} from '../../../../browser-demo/src/files/protocol.ts'

const id = '0f8fad5b-d9cb-469f-a165-70867728950e'
const sha256 = 'ab'.repeat(32)
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

it('an offer comes back as it was sent, its name made safe', () => {
  const offer = { type: 'offer', id, name: '../a.txt', sizeBytes: 3 } as const
  expect(parseFirst(encodeJson(offer))).toEqual({ ...offer, name: 'a.txt' })
})

it.each([
  ['no JSON', new Uint8Array([0xff, 0x00])],
  ['no object', bytes(7)],
  ['null', bytes(null)],
  ['no id', bytes({ type: 'offer', name: 'a', sizeBytes: 1 })],
  ['an id that is a path', bytes({ type: 'offer', id: '../../x', name: 'a', sizeBytes: 1 })],
  ['no name', bytes({ type: 'offer', id, sizeBytes: 1 })],
  ['a name that is no text', bytes({ type: 'offer', id, name: {}, sizeBytes: 1 })],
  ['no size', bytes({ type: 'offer', id, name: 'a' })],
  ['a negative size', bytes({ type: 'offer', id, name: 'a', sizeBytes: -1 })],
  ['half a byte', bytes({ type: 'offer', id, name: 'a', sizeBytes: 0.5 })],
  ['a size beyond what numbers hold', bytes({ type: 'offer', id, name: 'a', sizeBytes: 2 ** 60 })],
  ['another type', bytes({ type: 'give', id, name: 'a', sizeBytes: 1 })]
])('%s is no first message', (_what, message) => {
  expect(() => parseFirst(message)).toThrow(FileProtocolError)
})

it.each([
  ['an offset beyond the end', { type: 'accepted', offsetBytes: 11 }],
  ['a negative offset', { type: 'accepted', offsetBytes: -1 }],
  ['no offset', { type: 'accepted' }],
  ['more stored than there is', { type: 'stored', storedBytes: 11 }],
  ['a digest that is none', { type: 'digest', sha256: 'x', sizeBytes: 10 }],
  ['a digest without a size', { type: 'digest', sha256 }],
  ['another type', { type: 'thanks' }]
])('%s is no answer for a file of 10 bytes', (_what, message) => {
  expect(() => parseAnswer(bytes(message), 10)).toThrow(FileProtocolError)
})

it('answers come back as they were sent', () => {
  for (const answer of [
    { type: 'accepted', offsetBytes: 10 },
    { type: 'stored', storedBytes: 0 },
    { type: 'digest', sha256, sizeBytes: 10 },
    { type: 'end', id, reason: 'too-large' }
  ] as const) {
    expect(parseAnswer(encodeJson(answer), 10)).toEqual(answer)
  }
  expect(parseTrailer(bytes({ type: 'digest', sha256, sizeBytes: 10 }))).toMatchObject({ sha256 })
})

it('a reason nobody knows counts as cancelled, and never as text to show', () => {
  expect(parseFirst(bytes({ type: 'end', id, reason: '<b>rude</b>' }))).toEqual({
    type: 'end',
    id,
    reason: 'cancelled'
  })
})

it('frames have their length before them', () => {
  const frame = framed({ type: 'accepted', offsetBytes: 1 })
  expect(frame[0]).toBe(frame.byteLength - 1)
  const long = framed({ type: 'digest', sha256: 'a'.repeat(300), sizeBytes: 1 })
  expect((long[0]! & 0x7f) + (long[1]! << 7)).toBe(long.byteLength - 2)
})

it('the longest name fits into a message', () => {
  const offer = encodeJson({ type: 'offer', id, name: '"'.repeat(200), sizeBytes: 1_073_741_824 })
  expect(offer.byteLength).toBeLessThan(maxMessageBytes)
})
