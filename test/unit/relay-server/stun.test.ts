import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { answerBindingRequest } from '../../../relay-server/stun.ts'

const hex = (...lines: string[]): Buffer => Buffer.from(lines.join('').replaceAll(' ', ''), 'hex')

// RFC 5769 sections 2.1 to 2.3, to the byte
const SAMPLE_REQUEST = hex(
  '00 01 00 58 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae',
  '80 22 00 10 53 54 55 4e 20 74 65 73 74 20 63 6c 69 65 6e 74', // SOFTWARE
  '00 24 00 04 6e 00 01 ff', // PRIORITY
  '80 29 00 08 93 2f f9 b1 51 26 3b 36', // ICE-CONTROLLED
  '00 06 00 09 65 76 74 6a 3a 68 36 76 59 20 20 20', // USERNAME
  '00 08 00 14 9a ea a7 0c bf d8 cb 56 78 1e f2 b5 b2 d3 f2 49 c1 b5 71 a2', // MESSAGE-INTEGRITY
  '80 28 00 04 e5 7a 3b cf' // FINGERPRINT
)
const SAMPLE_IPV4_RESPONSE = hex(
  '01 01 00 3c 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae',
  '80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20',
  '00 20 00 08 00 01 a1 47 e1 12 a6 43',
  '00 08 00 14 2b 91 f5 99 fd 9e 90 c3 8c 74 89 f9 2a f9 ba 53 f0 6b e7 d7',
  '80 28 00 04 c0 7d 4c 96'
)
const SAMPLE_IPV6_RESPONSE = hex(
  '01 01 00 48 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae',
  '80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20',
  '00 20 00 14 00 02 a1 47 01 13 a9 fa a5 d3 f1 79 bc 25 f4 b5 be d2 b9 d9',
  '00 08 00 14 a3 82 95 4e 4b e6 7b f1 17 84 c9 7c 82 92 c2 75 bf e3 ed 41',
  '80 28 00 04 c8 fb 0b 4c'
)
const IPV4 = { address: '192.0.2.1', port: 32853 }
const IPV6 = { address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32853 }

const TRANSACTION_ID = SAMPLE_REQUEST.subarray(8, 20)
const HEADER = 20

/** A Binding request with the vectors' transaction id and these raw attributes. */
const request = (...attributes: Buffer[]): Buffer => {
  const body = Buffer.concat(attributes)
  const header = Buffer.from(SAMPLE_REQUEST.subarray(0, HEADER))
  header.writeUInt16BE(body.length, 2)
  return Buffer.concat([header, body])
}

/** The same with a FINGERPRINT at the end, computed here and not by the code under test. */
const sealed = (...attributes: Buffer[]): Buffer => {
  const packet = request(...attributes, hex('80280004 00000000'))
  packet.writeUInt32BE((crc32(packet.subarray(0, packet.length - 8)) ^ 0x5354554e) >>> 0, packet.length - 4)
  return packet
}

describe('RFC 5769 vectors', () => {
  it.each([
    ['request', SAMPLE_REQUEST, 108],
    ['IPv4 response', SAMPLE_IPV4_RESPONSE, 80],
    ['IPv6 response', SAMPLE_IPV6_RESPONSE, 92]
  ])('the %s here is the one in the RFC: length and checksum agree', (_, packet, bytes) => {
    expect(packet.length).toBe(bytes)
    expect((crc32(packet.subarray(0, bytes - 8)) ^ 0x5354554e) >>> 0).toBe(packet.readUInt32BE(bytes - 4))
  })

  it('the mapped IPv4 address has the bytes of section 2.2', () => {
    expect(answerBindingRequest(request(), IPV4)).toEqual(
      Buffer.concat([hex('0101 000c 2112a442'), TRANSACTION_ID, SAMPLE_IPV4_RESPONSE.subarray(36, 48)])
    )
  })

  it('the mapped IPv6 address has the bytes of section 2.3', () => {
    expect(answerBindingRequest(request(), IPV6)).toEqual(
      Buffer.concat([hex('0101 0018 2112a442'), TRANSACTION_ID, SAMPLE_IPV6_RESPONSE.subarray(36, 60)])
    )
  })

  it('the sample request is refused for PRIORITY, which belongs to ICE peers, with a fingerprint as it had one', () => {
    const answer = Buffer.from(answerBindingRequest(SAMPLE_REQUEST, IPV4)!)
    const body = hex(
      '0009 0015 0000 0414',
      Buffer.from('Unknown Attribute').toString('hex'),
      '000000',
      '000a 0002 0024 0000',
      '8028 0004'
    )

    expect(answer.readUInt16BE(0)).toBe(0x0111)
    expect(answer.readUInt16BE(2)).toBe(answer.length - HEADER)
    expect(answer.subarray(4, HEADER)).toEqual(SAMPLE_REQUEST.subarray(4, HEADER))
    expect(answer.subarray(HEADER, -4)).toEqual(body)
    expect(answer.readUInt32BE(answer.length - 4)).toBe((crc32(answer.subarray(0, -8)) ^ 0x5354554e) >>> 0)
  })

  it('responses are not answered: two servers would talk for ever', () => {
    expect(answerBindingRequest(SAMPLE_IPV4_RESPONSE, IPV4)).toBeUndefined()
    expect(answerBindingRequest(SAMPLE_IPV6_RESPONSE, IPV6)).toBeUndefined()
  })
})

describe('attributes', () => {
  const SUCCESS = 0x0101
  const ERROR = 0x0111
  const typeOf = (packet: Buffer): number | undefined => {
    const answer = answerBindingRequest(packet, IPV4)
    return answer && Buffer.from(answer).readUInt16BE(0)
  }

  it.each([
    ['none', request(), SUCCESS],
    ['optional ones nobody knows', request(hex('ffff 0003 01020300')), SUCCESS],
    ['known ones this server does not use', request(hex('0006 0001 61000000'), hex('0014 0000')), SUCCESS],
    ['CHANGE-REQUEST (RFC 5780)', request(hex('0003 0004 00000006')), ERROR],
    ['unknown ones after MESSAGE-INTEGRITY', request(hex('0008 0014', '00'.repeat(20)), hex('0024 0000')), SUCCESS],
    ['a right FINGERPRINT', sealed(), SUCCESS],
    ['a right FINGERPRINT and an unknown one', sealed(hex('0024 0000')), ERROR],
    ['a wrong FINGERPRINT', request(hex('8028 0004 00000000')), undefined],
    ['a FINGERPRINT of the wrong length', request(hex('8028 0000')), undefined],
    ['one that ends beyond the packet', request(hex('8022 0005 61626364')), undefined]
  ])('%s', (_, packet, type) => {
    expect(typeOf(packet)).toBe(type)
  })

  it('FINGERPRINT must be the last', () => {
    const packet = Buffer.concat([sealed(), hex('8022 0000')])
    packet.writeUInt16BE(packet.length - HEADER, 2)
    packet.writeUInt32BE((crc32(packet.subarray(0, HEADER)) ^ 0x5354554e) >>> 0, HEADER + 4)
    expect(typeOf(packet)).toBeUndefined()
  })

  it('every unknown one is named once', () => {
    const answer = answerBindingRequest(request(hex('0024 0000'), hex('0025 0000'), hex('0024 0000')), IPV4)!
    expect(Buffer.from(answer).subarray(-8)).toEqual(hex('000a 0004 0024 0025'))
  })
})

describe('what is not a Binding request', () => {
  const edited = (offset: number, value: number): Buffer => {
    const packet = request()
    packet[offset] = value
    return packet
  }

  it.each([
    ['an empty packet', Buffer.alloc(0)],
    ['an indication', edited(1, 0x11)],
    ['another method (TURN Allocate)', edited(1, 0x03)],
    ['the first two bits set (RTP, DTLS share the port elsewhere)', edited(0, 0x80)],
    ['no magic cookie (RFC 3489)', edited(4, 0)],
    ['a length beyond the packet', edited(3, 4)],
    ['bytes after the message', Buffer.concat([request(), Buffer.alloc(4)])]
  ])('%s is met with silence', (_, packet) => {
    expect(answerBindingRequest(packet, IPV4)).toBeUndefined()
  })

  it('every truncation of the sample request is met with silence', () => {
    for (let length = 0; length < SAMPLE_REQUEST.length; length++) {
      expect(answerBindingRequest(SAMPLE_REQUEST.subarray(0, length), IPV4), `${length} bytes`).toBeUndefined()
    }
  })

  it('a request that claims to come from port 0 is not answered: a socket would throw', () => {
    expect(answerBindingRequest(request(), { address: '192.0.2.1', port: 0 })).toBeUndefined()
  })
})

it('a link-local sender with a zone gets its address back', () => {
  const answer = Buffer.from(answerBindingRequest(request(), { address: 'fe80::1%eth0', port: 5 })!)
  const mask = Buffer.concat([hex('2112a442'), TRANSACTION_ID])
  expect(answer.subarray(28).map((byte, index) => byte ^ mask[index]!)).toEqual(hex('fe80', '00'.repeat(13), '01'))
})

it('no input makes it throw, and no answer is much longer than its request', () => {
  const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 32)
  console.log(`STUN fuzz: FUZZ_SEED=${seed}`)
  const random = mulberry32(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  let answered = 0

  for (let round = 0; round < 20_000; round++) {
    const attributes = Array.from({ length: below(6) }, () => {
      const length = below(12)
      const type = random() < 0.5 ? below(0x30) : below(0x10000)
      const attribute = Buffer.alloc(4 + ((length + 3) & ~3), below(256))
      attribute.writeUInt16BE(type, 0)
      attribute.writeUInt16BE(length, 2)
      return attribute
    })
    let packet = random() < 0.3 ? sealed(...attributes) : request(...attributes)

    // half of them stay well-formed
    for (let flips = random() < 0.5 ? 0 : below(4); flips > 0; flips--) {
      packet[below(packet.length)] = below(256)
    }
    if (random() < 0.1) {
      packet = packet.subarray(0, below(packet.length + 1))
    }

    const before = Buffer.from(packet)
    const answer = answerBindingRequest(packet, random() < 0.5 ? IPV4 : IPV6)
    expect(packet).toEqual(before)

    if (answer != null) {
      answered++
      expect(answer.length, packet.toString('hex')).toBeLessThanOrEqual(packet.length * 2.4)
      expect(Buffer.from(answer).readUInt16BE(2)).toBe(answer.length - HEADER)
      expect(answer.length % 4).toBe(0)
    }
  }

  expect(answered).toBeGreaterThan(5_000)
})

function mulberry32(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
