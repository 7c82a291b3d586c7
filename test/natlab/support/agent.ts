// Runs inside a host of the lab and does with plain sockets what it is told over IPC. No package is imported: it has to be
// there at once.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Datagram, Endpoint, Operations } from './probe.ts'

const sockets: Socket[] = []

const text = ({ address, port }: Endpoint): string => `${address}:${port}`

/** How long after the last packet nothing more is awaited: far above any delay asked for here. */
const QUIET_MS = 600

const operations: { [Name in keyof Operations]: (...args: Parameters<Operations[Name]>) => unknown } = {
  async open(port, group) {
    const socket = createSocket('udp4')
    const id = sockets.push(socket) - 1
    socket.on('message', (data, from) => {
      const detail: Datagram = { socket: id, from: text(from), data: data.toString() }
      process.send?.({ datagram: detail })
    })
    socket.bind(port)
    await once(socket, 'listening')
    if (group != null) socket.addMembership(group)
    socket.setBroadcast(true)
    return { id, port: socket.address().port }
  },

  async echo(port) {
    const socket = createSocket('udp4')
    socket.on('message', (data, from) => {
      socket.send(data.toString() === 'who' ? text(from) : data, from.port, from.address)
    })
    socket.bind(port)
    await once(socket, 'listening')
  },

  send(id, to, data) {
    return new Promise<void>((resolve, reject) =>
      sockets[id]!.send(data, to.port, to.address, (error) => (error == null ? resolve() : reject(error)))
    )
  },

  async roundTrips(to, count, pauseMs) {
    const socket = createSocket('udp4')
    const timesMs: number[] = []
    const sentAtMs = new Map<string, number>()
    socket.on('message', (data) => timesMs.push(performance.now() - sentAtMs.get(data.toString())!))
    for (let i = 0; i < count; i++) {
      sentAtMs.set(`${i}`, performance.now())
      socket.send(`${i}`, to.port, to.address)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    for (let seen = -1; seen !== timesMs.length; ) {
      seen = timesMs.length
      if (seen < count) await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
    }
    socket.close()
    return timesMs
  },

  async count(port) {
    const socket = createSocket('udp4')
    const seen: number[] = []
    let bytes = 0
    let firstAtMs = 0
    let lastAtMs = 0
    socket.on('message', (data) => {
      lastAtMs = performance.now()
      if (seen.length === 0) firstAtMs = lastAtMs
      else bytes += data.length
      seen.push(data.readUInt32BE(0))
    })
    socket.bind(port)
    await once(socket, 'listening')
    socket.setRecvBufferSize(8 << 20)
    counters.set(port, async () => {
      for (let last = -1; last !== seen.length; await new Promise((resolve) => setTimeout(resolve, QUIET_MS))) {
        last = seen.length
      }
      socket.close()
      return { seen, bytesAfterFirst: bytes, spanMs: lastAtMs - firstAtMs }
    })
  },

  counted(port) {
    return counters.get(port)!()
  },

  async stream(to, count, payloadBytes, packetsPerMs) {
    const socket = createSocket('udp4')
    const startMs = performance.now()
    for (let sent = 0; sent < count; ) {
      const due = Math.min(count, Math.ceil((performance.now() - startMs) * packetsPerMs))
      for (; sent < due; sent++) {
        const data = Buffer.alloc(payloadBytes)
        data.writeUInt32BE(sent)
        socket.send(data, to.port, to.address)
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await new Promise<void>((resolve) => socket.close(() => resolve()))
  },

  async serve(port, bytes) {
    const server = createServer((connection) => {
      connection.on('error', () => {})
      connection.end(
        bytes === 0 ? text({ address: connection.remoteAddress!, port: connection.remotePort! }) : Buffer.alloc(bytes)
      )
    })
    server.listen(port, '0.0.0.0')
    await once(server, 'listening')
  },

  async download(from) {
    const socket = connect(from.port, from.address)
    let firstAtMs = 0
    const chunks: Buffer[] = []
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      firstAtMs ||= performance.now()
      chunks.push(chunk)
    }
    const all = Buffer.concat(chunks)
    return { bytes: all.length, spanMs: performance.now() - firstAtMs, start: all.subarray(0, 40).toString() }
  },

  addresses() {
    return Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
  }
}

const counters = new Map<number, () => Promise<unknown>>()

process.on('message', async ({ id, op, args }: { id: number; op: keyof Operations; args: never[] }) => {
  try {
    const result = await (operations[op] as (...args: never[]) => unknown)(...args)
    process.send?.({ id, result })
  } catch (error) {
    process.send?.({ id, error: String(error) })
  }
})
process.on('disconnect', () => process.exit())
