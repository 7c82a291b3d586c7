// What idle bytes are: packets of a capture by kind. Payloads are encrypted, so lengths tell heartbeats from acknowledgements.
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Host } from '../../test/natlab/index.ts'

export interface Kind {
  readonly kind: string
  readonly packets: number
  /** IP headers included. */
  readonly bytes: number
}

export interface Capture {
  /** Ends it; most bytes first. */
  stop(): Promise<Kind[]>
}

/** The beginning of every IPv4 packet, both ways, a line of hexadecimal each. Python is what the lab itself needs. */
const CAPTURE = `
import socket, sys
raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
raw.bind(("eth0", 3))
print("listening", flush=True)
while True:
    packet, (_, protocol, *_) = raw.recvfrom(96)
    if protocol == 0x800: print(packet.hex(), flush=True)
`

/** Resolves when packets are being captured. */
export async function capture(host: Host): Promise<Capture> {
  const child = host.spawn('python3', ['-c', CAPTURE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const output = child.stdout as Readable
  await Promise.race([
    once(output, 'readable'),
    exited.then(() => {
      throw new Error('Packets cannot be captured in the lab')
    })
  ])
  const lines = text(output)
  return {
    async stop() {
      child.kill('SIGKILL')
      await exited
      const [, ...packets] = (await lines).split('\n').slice(0, -1)
      return kindsOf(packets.map((line) => Buffer.from(line, 'hex')))
    }
  }
}

const TCP = 6
const UDP = 17
/** Of STUN: RFC 8489. */
const MAGIC_COOKIE = 0x2112a442

function kindsOf(packets: readonly Buffer[]): Kind[] {
  const kinds = new Map<string, { packets: number; bytes: number }>()
  for (const ip of packets) {
    const kind = kindOf(ip)
    const counted = kinds.get(kind) ?? { packets: 0, bytes: 0 }
    counted.packets++
    counted.bytes += ip.readUInt16BE(2)
    kinds.set(kind, counted)
  }
  return [...kinds].map(([kind, counted]) => ({ kind, ...counted })).sort((a, b) => b.bytes - a.bytes)
}

function kindOf(ip: Buffer): string {
  const headerBytes = (ip[0]! & 15) * 4
  const totalBytes = ip.readUInt16BE(2)
  const inner = ip.subarray(headerBytes)
  if (ip[9] === TCP) {
    const payload = totalBytes - headerBytes - (inner[12]! >> 4) * 4
    return payload === 0 ? 'TCP acknowledgement' : `TCP with ${payload} bytes`
  }
  if (ip[9] !== UDP) return `protocol ${ip[9]}`
  const payload = inner.subarray(8)
  if (payload.length >= 8 && payload[0]! < 4 && payload.readUInt32BE(4) === MAGIC_COOKIE) {
    return `STUN ${payload.readUInt16BE(0) === 1 ? 'request' : 'answer or indication'}, ${totalBytes - headerBytes - 8} bytes`
  }
  return `DTLS of ${totalBytes - headerBytes - 8} bytes`
}
