import { join } from 'node:path'
import { eventually } from '../../support/wait-for.ts'
import type { Host } from '../index.ts'

export interface Endpoint {
  address: string
  port: number
}

export interface Datagram {
  socket: number
  /** `address:port` as the receiver sees it. */
  from: string
  data: string
}

/** What the agent inside a host can do. */
export interface Operations {
  /** A UDP socket whose datagrams are told of; with `group`, multicast to it too. Port 0: any. */
  open(port: number, group?: string): Promise<{ id: number; port: number }>
  /** A UDP port that sends back what it gets; to `who`, the sender's address and port. */
  echo(port: number): Promise<void>
  send(socket: number, to: Endpoint, data: string): Promise<void>
  /** Round trip times over an echo port; lost ones are missing. */
  roundTrips(to: Endpoint, count: number, pauseMs: number): Promise<number[]>
  /** Starts to count what `stream` sends. */
  count(port: number): Promise<void>
  /** What was counted, once nothing more comes. */
  counted(port: number): Promise<{ seen: number[]; bytesAfterFirst: number; spanMs: number }>
  /** Numbered datagrams. */
  stream(to: Endpoint, count: number, payloadBytes: number, packetsPerMs: number): Promise<void>
  /** A TCP port that gives so many bytes to whoever comes; with 0, the address and port it sees. */
  serve(port: number, bytes: number): Promise<void>
  download(from: Endpoint): Promise<{ bytes: number; spanMs: number; start: string }>
  addresses(): string[]
}

type Result<Name extends keyof Operations> = Awaited<ReturnType<Operations[Name]>>

/** Sockets inside a host, from outside. */
export class Probe {
  readonly host: Host
  readonly datagrams: Datagram[] = []
  readonly #child
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #lastId = 0

  constructor(host: Host) {
    this.host = host
    this.#child = host.spawn(process.execPath, [join(import.meta.dirname, 'agent.ts')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
    this.#child.on('message', (message: { id?: number; result?: unknown; error?: string; datagram?: Datagram }) => {
      if (message.datagram != null) {
        this.datagrams.push(message.datagram)
        return
      }
      const waiting = this.#waiting.get(message.id!)
      if (message.error == null) waiting?.resolve(message.result)
      else waiting?.reject(new Error(`${this.host.name}: ${message.error}`))
    })
  }

  do<Name extends keyof Operations>(op: Name, ...args: Parameters<Operations[Name]>): Promise<Result<Name>> {
    const waiting = Promise.withResolvers<unknown>()
    const id = ++this.#lastId
    this.#waiting.set(id, waiting)
    this.#child.send({ id, op, args })
    return waiting.promise as Promise<Result<Name>>
  }

  async received(data: string): Promise<Datagram> {
    const find = () => this.datagrams.find((datagram) => datagram.data === data)
    await eventually(`${this.host.name} gets ${data}`, () => find() != null, { timeoutMs: 5_000 })
    return find()!
  }

  has(data: string): boolean {
    return this.datagrams.some((datagram) => datagram.data === data)
  }

  /** How a socket of this host looks from an echo port. */
  async seenAs(socket: number, echo: Endpoint): Promise<string> {
    const before = this.datagrams.length
    await this.do('send', socket, echo, 'who')
    const from = `${echo.address}:${echo.port}`
    const answer = () => this.datagrams.slice(before).find((datagram) => datagram.from === from)
    await eventually(`${from} answers ${this.host.name}`, () => answer() != null, { timeoutMs: 5_000 })
    return answer()!.data
  }
}

/** Says in the test's output what was asked and what was measured. */
export function report(what: string, asked: string | number, measured: string | number): void {
  console.log(`${what.padEnd(46)} asked ${String(asked).padEnd(34)} measured ${measured}`)
}

export function endpoint(text: string): Endpoint {
  const [address = '', port] = text.split(':')
  return { address, port: Number(port) }
}
