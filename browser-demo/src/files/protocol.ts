// One stream per file. The sender: an offer; the receiver: where to start; the sender: the bytes from there, then its
// digest to the end of its direction; the receiver, meanwhile: how much it has stored, and at last its own digest.
// A stream of its own tells that a file is over for a reason, so that it need not wait behind bytes.
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { encode, encodingLength } from 'uint8-varint'
import { maxFileBytes } from './limits.ts'
import { safeName } from './names.ts'

export const filesProtocol = '/holdfast-demo/file/1.0.0'

/** A name of 200 characters, each escaped, fits in. */
export const maxMessageBytes = 4_096

export interface Offer {
  readonly type: 'offer'
  /** Chosen by the sender; the same when it offers the rest of the file over another stream. */
  readonly id: string
  readonly name: string
  readonly sizeBytes: number
}

/** Why a file is over before it is there. */
export const endReasons = ['cancelled', 'declined', 'too-many', 'too-large', 'storage', 'unreadable'] as const
export type EndReason = (typeof endReasons)[number]

export interface End {
  readonly type: 'end'
  readonly id: string
  readonly reason: EndReason
}

export interface Accepted {
  readonly type: 'accepted'
  readonly offsetBytes: number
}

export interface Stored {
  readonly type: 'stored'
  readonly storedBytes: number
}

/** What one end has computed over the whole file. */
export interface Digest {
  readonly type: 'digest'
  readonly sha256: string
  readonly sizeBytes: number
}

export type FirstMessage = Offer | End
export type Answer = Accepted | Stored | Digest | End

/** The peer sent what this protocol does not have: not worth another try. */
export class FileProtocolError extends Error {
  override name = 'FileProtocolError'
}

const idPattern = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
const digestPattern = /^[\da-f]{64}$/

export function parseFirst(bytes: Uint8Array): FirstMessage {
  const message = parseJson(bytes)
  if (typeof message.id !== 'string' || !idPattern.test(message.id)) throw wrong('a file without an id')
  if (message.type === 'end') return parseEnd(message)
  if (message.type !== 'offer') throw wrong('something else than an offer')
  if (typeof message.name !== 'string') throw wrong('a file without a name')
  const sizeBytes = message.sizeBytes
  if (!isSize(sizeBytes)) throw wrong('a file without a size')
  return { type: 'offer', id: message.id, name: safeName(message.name), sizeBytes }
}

/** `sizeBytes` is that of the file. */
export function parseAnswer(bytes: Uint8Array, sizeBytes: number): Answer {
  const message = parseJson(bytes)
  switch (message.type) {
    case 'accepted':
      if (!isSize(message.offsetBytes, sizeBytes)) throw wrong('an offset beyond the file')
      return { type: 'accepted', offsetBytes: message.offsetBytes }
    case 'stored':
      if (!isSize(message.storedBytes, sizeBytes)) throw wrong('more stored bytes than the file has')
      return { type: 'stored', storedBytes: message.storedBytes }
    case 'digest':
      return parseDigest(message)
    case 'end':
      return parseEnd(message)
    default:
      throw wrong('an unknown answer')
  }
}

export function parseTrailer(bytes: Uint8Array): Digest {
  return parseDigest(parseJson(bytes))
}

function parseDigest({ sha256, sizeBytes }: Record<string, unknown>): Digest {
  if (typeof sha256 !== 'string' || !digestPattern.test(sha256)) throw wrong('no SHA-256 where one belongs')
  if (!isSize(sizeBytes, Number.MAX_SAFE_INTEGER)) throw wrong('a digest without a size')
  return { type: 'digest', sha256, sizeBytes }
}

function parseEnd({ id, reason }: Record<string, unknown>): End {
  return { type: 'end', id: String(id ?? ''), reason: endReasons.find((known) => known === reason) ?? 'cancelled' }
}

/** Sizes above the bound are refused where they are looked at, with a reason; here only what is no size at all. */
function isSize(value: unknown, max = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max
}

export function tooLarge(sizeBytes: number): boolean {
  return sizeBytes > maxFileBytes
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (value != null && typeof value === 'object') return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw wrong('something that is no JSON object')
}

function wrong(what: string): FileProtocolError {
  return new FileProtocolError(`The other side sent ${what}`)
}

export const encodeJson = (message: FirstMessage | Answer): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(message))

/** With its length before it, as `lpStream` reads it; for where a wrapper would take the bytes of the file. */
export function framed(message: Answer): Uint8Array {
  const json = encodeJson(message)
  const prefixBytes = encodingLength(json.byteLength)
  const frame = new Uint8Array(prefixBytes + json.byteLength)
  encode(json.byteLength, frame)
  frame.set(json, prefixBytes)
  return frame
}

export const messagesOf = (stream: Stream) => lpStream(stream, { maxDataLength: maxMessageBytes })
