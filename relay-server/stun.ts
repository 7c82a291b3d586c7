import { isIPv4 } from 'node:net'
import { crc32 } from 'node:zlib'
import { multiaddr } from '@multiformats/multiaddr'

/** Where a datagram came from, as `node:dgram` reports it. */
export interface TransportAddress {
  address: string
  port: number
}

// RFC 8489 section 5: message type (method Binding, classes request, success response, error response)
const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101
const BINDING_ERROR = 0x0111
const MAGIC_COOKIE = 0x2112a442
const HEADER_BYTES = 20

// RFC 8489 section 18.3.1: attributes below 0x8000 must be understood by who receives them
const MESSAGE_INTEGRITY = 0x0008
const ERROR_CODE = 0x0009
const UNKNOWN_ATTRIBUTES = 0x000a
const MESSAGE_INTEGRITY_SHA256 = 0x001c
const XOR_MAPPED_ADDRESS = 0x0020
const FINGERPRINT = 0x8028
const FIRST_OPTIONAL = 0x8000

// RFC 8489 section 14.7: keeps the CRC apart from one that another protocol may put in the same place
const FINGERPRINT_XOR = 0x5354554e

/**
 * What RFC 8489 defines. This server asks for no credentials, so it ignores those it knows (section 6.3: attributes
 * known but unexpected are ignored). PRIORITY, CHANGE-REQUEST and the like belong to other usages: unknown here.
 */
const KNOWN_ATTRIBUTES = new Set([
  0x0001, // MAPPED-ADDRESS
  0x0006, // USERNAME
  MESSAGE_INTEGRITY,
  ERROR_CODE,
  UNKNOWN_ATTRIBUTES,
  0x0014, // REALM
  0x0015, // NONCE
  MESSAGE_INTEGRITY_SHA256,
  0x001d, // PASSWORD-ALGORITHM
  0x001e, // USERHASH
  XOR_MAPPED_ADDRESS
])

/**
 * The answer to a STUN Binding request (RFC 8489), or `undefined` where silence is the right answer: anything that is
 * not a well-formed request, indications and responses included (answering those could make two servers talk for ever),
 * and requests of RFC 3489 clients without the magic cookie.
 *
 * Nothing is remembered. The answer is at most 2.4 times as long as the request, so the port is of little use to
 * somebody who forges sender addresses.
 */
export function answerBindingRequest(packet: Uint8Array, from: TransportAddress): Uint8Array | undefined {
  if (from.port === 0) {
    // forged: nobody can be answered there, and the socket would throw
    return undefined
  }

  const request = parseBindingRequest(Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength))

  if (request == null) {
    return undefined
  }

  const { transactionId, unknown, fingerprint } = request

  if (unknown.length > 0) {
    return message(
      BINDING_ERROR,
      transactionId,
      [errorCode(420, 'Unknown Attribute'), unknownAttributes(unknown)],
      fingerprint
    )
  }

  return message(BINDING_SUCCESS, transactionId, [xorMappedAddress(from, transactionId)], fingerprint)
}

interface BindingRequest {
  transactionId: Buffer
  /** Attributes that must be understood and are not, each once. */
  unknown: number[]
  /** Whether the request carried a (valid) FINGERPRINT: the answer carries one as well. */
  fingerprint: boolean
}

function parseBindingRequest(packet: Buffer): BindingRequest | undefined {
  if (
    packet.length < HEADER_BYTES ||
    packet.readUInt16BE(0) !== BINDING_REQUEST ||
    packet.readUInt16BE(2) !== packet.length - HEADER_BYTES ||
    packet.length % 4 !== 0 ||
    packet.readUInt32BE(4) !== MAGIC_COOKIE
  ) {
    return undefined
  }

  const unknown = new Set<number>()
  let fingerprint = false
  let signed = false
  let offset = HEADER_BYTES

  while (offset < packet.length) {
    // the length is a multiple of four, so there is room for a header
    const type = packet.readUInt16BE(offset)
    const length = packet.readUInt16BE(offset + 2)
    const end = offset + 4 + padded(length)

    if (end > packet.length || fingerprint) {
      // section 14.7: FINGERPRINT is the last attribute
      return undefined
    }

    if (type === FINGERPRINT) {
      if (length !== 4 || packet.readUInt32BE(offset + 4) !== fingerprintOf(packet.subarray(0, offset))) {
        return undefined
      }

      fingerprint = true
    } else if (type === MESSAGE_INTEGRITY || type === MESSAGE_INTEGRITY_SHA256) {
      signed = true
    } else if (type < FIRST_OPTIONAL && !signed && !KNOWN_ATTRIBUTES.has(type)) {
      // sections 14.5 and 14.6: what follows the signature is not covered by it and is ignored
      unknown.add(type)
    }

    offset = end
  }

  return { transactionId: packet.subarray(8, HEADER_BYTES), unknown: [...unknown], fingerprint }
}

function message(type: number, transactionId: Buffer, attributes: Buffer[], fingerprint: boolean): Buffer {
  const body = Buffer.concat(attributes)
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(type, 0)
  // section 14.7: the CRC covers a header whose length already counts the FINGERPRINT
  header.writeUInt16BE(body.length + (fingerprint ? 8 : 0), 2)
  header.writeUInt32BE(MAGIC_COOKIE, 4)
  transactionId.copy(header, 8)

  const unsealed = Buffer.concat([header, body])

  if (!fingerprint) {
    return unsealed
  }

  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(fingerprintOf(unsealed))
  return Buffer.concat([unsealed, attribute(FINGERPRINT, crc)])
}

/** Section 14.2: the address is masked with cookie and transaction id, because some NATs rewrite addresses they see. */
function xorMappedAddress({ address, port }: TransportAddress, transactionId: Buffer): Buffer {
  const family = isIPv4(address) ? 'ip4' : 'ip6'
  // the zone of a link-local address (fe80::1%eth0) means nothing to the peer
  const bytes = Buffer.from(multiaddr(`/${family}/${address.split('%', 1)[0]}`).bytes.subarray(1))
  const mask = Buffer.alloc(16)
  mask.writeUInt32BE(MAGIC_COOKIE)
  transactionId.copy(mask, 4)

  const value = Buffer.alloc(4 + bytes.length)
  value[1] = family === 'ip4' ? 1 : 2
  value.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2)
  bytes.forEach((byte, index) => {
    value[4 + index] = byte ^ mask[index]!
  })

  return attribute(XOR_MAPPED_ADDRESS, value)
}

/** Section 14.8. */
function errorCode(code: number, reason: string): Buffer {
  return attribute(
    ERROR_CODE,
    Buffer.concat([Buffer.from([0, 0, Math.floor(code / 100), code % 100]), Buffer.from(reason)])
  )
}

/** Section 14.9. */
function unknownAttributes(types: number[]): Buffer {
  const value = Buffer.alloc(types.length * 2)
  types.forEach((type, index) => {
    value.writeUInt16BE(type, index * 2)
  })

  return attribute(UNKNOWN_ATTRIBUTES, value)
}

/** Section 14: type, length without padding, value padded to four bytes. */
function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length))
  bytes.writeUInt16BE(type, 0)
  bytes.writeUInt16BE(value.length, 2)
  value.copy(bytes, 4)
  return bytes
}

function fingerprintOf(bytes: Uint8Array): number {
  return (crc32(bytes) ^ FINGERPRINT_XOR) >>> 0
}

function padded(length: number): number {
  return (length + 3) & ~3
}
