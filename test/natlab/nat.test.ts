import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/wait-for.ts'
import { createLab, type Lab, type Nat, type NatOptions, whyNoLab } from './index.ts'
import { endpoint, Probe, report } from './support/probe.ts'

const reason = await whyNoLab()
if (reason != null) console.log(`Skipped: ${reason}`)

/** A UDP socket in a host. */
async function open(probe: Probe, port = 0) {
  const socket = await probe.do('open', port)
  const at = { address: probe.host.address, port: socket.port }
  return {
    at,
    probe,
    /** Sends it, waits for it, and gives the address and port the other side saw. */
    async reach(other: { at: { address: string; port: number }; probe: Probe }): Promise<string> {
      const data = `${Math.random()}`
      await probe.do('send', socket.id, other.at, data)
      return (await other.probe.received(data)).from
    },
    /** Resolves when the lab has done with it what it does: with wires this good, it waits nowhere. */
    async send(to: string, data: string): Promise<void> {
      const { up } = await probe.host.traffic()
      await probe.do('send', socket.id, endpoint(to), data)
      await eventually('it left', async () => (await probe.host.traffic()).up.packets > up.packets)
    }
  }
}

type Socket = Awaited<ReturnType<typeof open>>

/** Does what `sender` sends to this address come through? `after` sends what does, later. */
async function comesIn(sender: Socket, to: string, receiver: Probe, after: (data: string) => Promise<void>) {
  const [doubtful, certain] = [`doubtful ${Math.random()}`, `certain ${Math.random()}`]
  await sender.send(to, doubtful)
  await after(certain)
  await receiver.received(certain)
  return receiver.has(doubtful)
}

describe.skipIf(reason != null)('what a NAT does is what was asked of it', () => {
  let lab: Lab
  let one: Socket
  let oneOther: Socket
  let two: Socket

  beforeAll(async () => {
    lab = await createLab()
    const probe = new Probe(await lab.host({ name: 'one' }))
    one = await open(probe, 1_000)
    oneOther = await open(probe, 2_000)
    two = await open(new Probe(await lab.host({ name: 'two' })), 1_000)
  })
  afterAll(() => lab.close())

  async function inside(options: NatOptions | Nat): Promise<{ nat: Nat; socket: Socket }> {
    const nat = 'address' in options ? options : await lab.nat(options)
    return { nat, socket: await open(new Probe(await lab.host({ behind: nat }))) }
  }

  const kinds: Array<[NonNullable<NatOptions['kind']>, { mapping: boolean[]; filtering: boolean[] }]> = [
    // Same external port for another port of the same host, for another host; let in from those.
    ['endpoint-independent', { mapping: [true, true], filtering: [false, false] }],
    ['full-cone', { mapping: [true, true], filtering: [true, true] }],
    ['symmetric', { mapping: [false, false], filtering: [false, false] }],
    [
      { mapping: 'endpoint-independent', filtering: 'address-dependent' },
      { mapping: [true, true], filtering: [true, false] }
    ],
    [
      { mapping: 'address-dependent', filtering: 'address-dependent' },
      { mapping: [true, false], filtering: [true, false] }
    ]
  ]

  it.each(kinds)('%j: mapping and filtering (RFC 4787)', async (kind, asked) => {
    const { nat, socket } = await inside({ kind })
    const external = await socket.reach(one)
    expect(endpoint(external).address).toBe(nat.address)
    expect(endpoint(external).port).not.toBe(socket.at.port)
    expect(await socket.reach(one)).toBe(external)

    const certain = (data: string) => one.send(external, data)
    const filtering = [
      await comesIn(oneOther, external, socket.probe, certain),
      await comesIn(two, external, socket.probe, certain)
    ]
    const mapping = [(await socket.reach(oneOther)) === external, (await socket.reach(two)) === external]
    const name = typeof kind === 'string' ? kind : Object.values(kind).join(' / ')
    report(`NAT ${name}`, JSON.stringify(asked), JSON.stringify({ mapping, filtering }))
    expect({ mapping, filtering }).toEqual(asked)
  })

  it.each<[NatOptions['kind'], NatOptions['kind'], boolean]>([
    ['endpoint-independent', 'endpoint-independent', true],
    ['endpoint-independent', 'symmetric', false],
    ['full-cone', 'symmetric', true],
    ['symmetric', 'symmetric', false]
  ])('hole punching, %s x %s: %s', async (kindA, kindB, expected) => {
    const [a, b] = [(await inside({ kind: kindA })).socket, (await inside({ kind: kindB })).socket]
    const [externalA, externalB] = [await a.reach(one), await b.reach(one)]
    for (const round of [1, 2]) {
      await a.send(externalB, `a${round}`)
      await b.send(externalA, `b${round}`)
    }
    await one.send(externalA, 'end of a')
    await one.send(externalB, 'end of b')
    await Promise.all([a.probe.received('end of a'), b.probe.received('end of b')])
    // Who is behind the NAT that lets everybody in answers to where it came from.
    const first = a.probe.datagrams.find(({ data }) => data.startsWith('b'))
    if (first != null) await a.send(first.from, 'answer')
    const punched = first != null && (await b.probe.received('answer')).from === externalA
    report(`hole punching, ${kindA} x ${kindB}`, String(expected), String(punched))
    expect(punched).toBe(expected)
    if (!expected) expect(b.probe.datagrams.filter(({ data }) => data.startsWith('a'))).toEqual([])
  })

  it.each([true, false])('hairpin %s: two hosts of one NAT by its outside address', async (hairpin) => {
    const { nat, socket: a } = await inside({ hairpin, kind: 'full-cone' })
    const { socket: b } = await inside(nat)
    const [externalA, externalB] = [await a.reach(one), await b.reach(one)]
    const through = await comesIn(a, externalB, b.probe, (data) => a.send(`${b.at.address}:${b.at.port}`, data))
    report('hairpin', String(hairpin), String(through))
    expect(through).toBe(hairpin)
    // RFC 4787, REQ-9: it comes from the sender's external address, not from the private one.
    const froms = b.probe.datagrams.filter(({ data }) => data.startsWith('doubtful')).map(({ from }) => from)
    expect(froms).toEqual(hairpin ? [externalA] : [])
  })

  it('hosts behind one NAT reach each other by their private addresses', async () => {
    const { nat, socket: a } = await inside({})
    const { socket: b } = await inside(nat)
    expect(await a.reach(b)).toBe(`${a.at.address}:${a.at.port}`)
  })

  it('multicast and broadcast reach the hosts of a segment and nobody else', async () => {
    const nat = await lab.nat()
    const members = await Promise.all(
      [nat, nat, undefined].map(async (behind) => {
        const probe = new Probe(await lab.host({ behind }))
        return { probe, ...(await probe.do('open', 5_353, '224.0.0.251')) }
      })
    )
    const [a, b, outside] = members as [(typeof members)[0], (typeof members)[0], (typeof members)[0]]
    for (const address of ['224.0.0.251', a.probe.host.address.replace(/\d+$/, '255'), '255.255.255.255']) {
      await a.probe.do('send', a.id, { address, port: 5_353 }, address)
      expect((await b.probe.received(address)).from).toBe(`${a.probe.host.address}:5353`)
      expect(outside.probe.has(address)).toBe(false)
    }
  })

  it('a NAT behind a NAT translates twice', async () => {
    const outer = await lab.nat()
    const { nat: inner, socket } = await inside({ behind: outer, kind: 'symmetric' })
    expect(inner.address.split('.').slice(0, 2)).toEqual(['192', '168'])
    const external = await socket.reach(one)
    expect(endpoint(external).address).toBe(outer.address)
    await one.send(external, 'back')
    expect((await socket.probe.received('back')).from).toBe(`${one.at.address}:${one.at.port}`)
    // The inner one is symmetric: the outer one sees another socket.
    expect(await socket.reach(two)).not.toBe(external)
    const { socket: neighbour } = await inside(outer)
    expect(endpoint(await socket.reach(neighbour)).address).toBe(inner.address)
    expect(socket.probe.host.addresses).toEqual([socket.at.address, inner.address, outer.address])
  })

  it('UDP blocked: nothing of it gets out or in, TCP does, until it is allowed again', async () => {
    const { nat, socket } = await inside({ kind: 'full-cone' })
    const external = await socket.reach(one)
    await nat.change({ blockUdp: true })
    await socket.send(`${one.at.address}:${one.at.port}`, 'blocked out')
    await one.send(external, 'blocked in')
    await one.probe.do('serve', 81, 100_000)
    expect((await socket.probe.do('download', { ...one.at, port: 81 })).bytes).toBe(100_000)
    await nat.change({ blockUdp: false })
    expect(await socket.reach(one)).toBe(external)
    await one.send(external, 'allowed in')
    await socket.probe.received('allowed in')
    expect(one.probe.has('blocked out')).toBe(false)
    expect(socket.probe.has('blocked in')).toBe(false)
  })

  it('TCP is translated, whole', async () => {
    const { nat, socket } = await inside({ kind: 'symmetric', behind: await lab.nat() })
    await one.probe.do('serve', 82, 0)
    await one.probe.do('serve', 83, 5_000_000)
    const { start } = await socket.probe.do('download', { ...one.at, port: 82 })
    expect(endpoint(start).address).toBe(nat.behind?.address)
    expect((await socket.probe.do('download', { ...one.at, port: 83 })).bytes).toBe(5_000_000)
  })

  it('a ping gets through and back', async () => {
    const { socket } = await inside({})
    const ping = `
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP); s.settimeout(5); s.connect((sys.argv[1], 0))
p = bytearray(struct.pack("!BBHHH", 8, 0, 0, 4711, 1)); t = sum(struct.unpack("!4H", p)); t = (t & 0xffff) + (t >> 16)
struct.pack_into("!H", p, 2, ~t & 0xffff); s.send(p); r = s.recv(100); print(r[20], struct.unpack_from("!H", r, 24)[0])`
    const child = socket.probe.host.spawn('python3', ['-c', ping, one.at.address], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    expect((await child.stdout?.toArray())?.join('')).toBe('0 4711\n')
  })

  it('fragments do not get through', async () => {
    const { nat, socket } = await inside({})
    const external = await socket.reach(one)
    const big = 'x'.repeat(3_000)
    await socket.send(`${one.at.address}:${one.at.port}`, big)
    expect(await socket.reach(one)).toBe(external)
    expect((await nat.traffic()).up.packets).toBe(2)
    expect(one.probe.has(big)).toBe(false)
  })

  it('a mapping nothing goes out by is forgotten', async () => {
    const { socket } = await inside({ kind: 'full-cone', mappingTimeoutMs: 400 })
    const external = await socket.reach(one)
    expect(await socket.reach(one)).toBe(external)
    await new Promise((resolve) => setTimeout(resolve, 500))
    await one.send(external, 'late')
    const renewed = await socket.reach(one)
    expect(renewed).not.toBe(external)
    await one.send(renewed, 'in time')
    await socket.probe.received('in time')
    expect(socket.probe.has('late')).toBe(false)
  })

  it('rebound: other ports, the old ones are dead; with another address if asked', async () => {
    const { nat, socket } = await inside({ kind: 'full-cone' })
    const before = await socket.reach(one)
    await nat.rebind()
    await one.send(before, 'to the old port')
    const after = await socket.reach(one)
    expect(after).not.toBe(before)
    expect(endpoint(after).address).toBe(nat.address)
    const old = nat.address
    expect(await nat.rebind({ newAddress: true })).toBe(nat.address)
    expect(nat.address).not.toBe(old)
    await one.send(after, 'to the old address')
    const moved = await socket.reach(one)
    expect(endpoint(moved).address).toBe(nat.address)
    await one.send(moved, 'to the new one')
    await socket.probe.received('to the new one')
    expect(socket.probe.datagrams.map(({ data }) => data)).toEqual(['to the new one'])
  })
})
