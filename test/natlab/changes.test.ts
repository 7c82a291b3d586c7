import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/wait-for.ts'
import { createLab, type Lab, whyNoLab } from './index.ts'
import { Probe, report } from './support/probe.ts'

const reason = await whyNoLab()
if (reason != null) console.log(`Skipped: ${reason}`)

const PORT = 1_000

describe.skipIf(reason != null)('what changes while programs run', () => {
  let lab: Lab
  let server: Probe

  beforeAll(async () => {
    lab = await createLab()
    server = await probe({ name: 'server' })
    await server.do('echo', 9)
    await server.do('serve', 80, 100_000)
  })
  afterAll(() => lab.close())

  /** A host with a UDP socket (its number is 0) on PORT. */
  async function probe(options: Parameters<Lab['host']>[0] = {}): Promise<Probe> {
    const made = new Probe(await lab.host(options))
    await made.do('open', PORT)
    return made
  }

  const udp = (from: Probe, to: Probe, data: string) =>
    from.do('send', 0, { address: to.host.address, port: PORT }, data)
  const download = (client: Probe) => client.do('download', { address: server.host.address, port: 80 })

  it('a cut takes everything both ways, a restored wire nothing', async () => {
    const client = await probe()
    await client.host.cut()
    await udp(client, server, 'cut up')
    await udp(server, client, 'cut down')
    // TCP tries again and gets through once the wire is back.
    const pending = download(client)
    // The datagram and the first try of TCP; the datagram.
    await eventually('all are cut', async () => {
      const { up, down } = await client.host.traffic()
      return up.cutPackets >= 2 && down.cutPackets === 1
    })
    await client.host.restore()
    await udp(client, server, 'restored up')
    await udp(server, client, 'restored down')
    await Promise.all([server.received('restored up'), client.received('restored down')])
    expect((await pending).bytes).toBe(100_000)
    expect(server.has('cut up')).toBe(false)
    expect(client.has('cut down')).toBe(false)
  })

  it('a cut of UDP leaves TCP alone, and the other way round', async () => {
    const client = await probe()
    await client.host.cut({ only: 'udp' })
    await udp(client, server, 'udp while udp is cut')
    expect((await download(client)).bytes).toBe(100_000)
    await client.host.restore()
    await client.host.cut({ only: 'tcp' })
    await udp(client, server, 'udp while tcp is cut')
    await server.received('udp while tcp is cut')
    expect(server.has('udp while udp is cut')).toBe(false)
  })

  it.each([
    ['up', false, true],
    ['down', true, false]
  ] as const)('a cut of one direction: %s', async (direction, out, back) => {
    const client = await probe()
    await client.host.cut({ direction })
    await udp(client, server, `out, cut ${direction}`)
    await udp(server, client, `back, cut ${direction}`)
    await (out ? server.received(`out, cut ${direction}`) : client.received(`back, cut ${direction}`))
    await client.host.restore()
    await udp(client, server, `out after ${direction}`)
    await udp(server, client, `back after ${direction}`)
    await Promise.all([server.received(`out after ${direction}`), client.received(`back after ${direction}`)])
    expect(server.has(`out, cut ${direction}`)).toBe(out)
    expect(client.has(`back, cut ${direction}`)).toBe(back)
  })

  it('a cut towards one host, also by the NAT it is behind', async () => {
    const [client, other] = [await probe(), await probe({ behind: await lab.nat({ kind: 'full-cone' }) })]
    await other.do('send', 0, { address: client.host.address, port: PORT }, 'before')
    const { from } = await client.received('before')
    await client.host.cut({ peer: other.host })
    const [address = '', port] = from.split(':')
    await client.do('send', 0, { address, port: Number(port) }, 'cut')
    await other.do('send', 0, { address: client.host.address, port: PORT }, 'cut')
    await udp(client, server, 'to another one')
    await server.received('to another one')
    await eventually('both are cut', async () => {
      const { up, down } = await client.host.traffic()
      return up.cutPackets === 1 && down.cutPackets === 1
    })
    await client.host.restore()
    await client.do('send', 0, { address, port: Number(port) }, 'after')
    await other.received('after')
    expect(client.has('cut') || other.has('cut')).toBe(false)
  })

  it('a cut at a NAT cuts off all behind it from outside, and leaves them to each other', async () => {
    const nat = await lab.nat()
    const [a, b] = [await probe({ behind: nat }), await probe({ behind: nat })]
    await nat.cut()
    await udp(a, server, 'out of a cut NAT')
    await udp(a, b, 'to a neighbour')
    await b.received('to a neighbour')
    await nat.restore()
    await udp(a, server, 'out again')
    await server.received('out again')
    expect(server.has('out of a cut NAT')).toBe(false)
  })

  it('what is on its way when a wire is cut or changed arrives', async () => {
    const client = await probe({ impair: { delayMs: 300 } })
    await udp(client, server, 'on its way')
    await eventually('it left', async () => (await client.host.traffic()).up.packets > 0)
    await client.host.cut()
    await server.received('on its way')
  })

  it('wires of host and NAT add up', async () => {
    const nat = await lab.nat({ impair: { delayMs: 15 } })
    const client = await probe({ behind: nat, impair: { delayMs: 10 } })
    const timesMs = await client.do('roundTrips', { address: server.host.address, port: 9 }, 20, 5)
    const leastMs = Math.min(...timesMs)
    report('round trip, 10 ms at the host, 15 ms at its NAT', '50 ms', `${leastMs.toFixed(2)} ms`)
    expect(leastMs).toBeGreaterThanOrEqual(50)
    expect(leastMs).toBeLessThan(53)
  })

  it('another address: the old one is gone, the new one works', async () => {
    const nat = await lab.nat()
    const [client, neighbour] = [await probe({ behind: nat }), await probe({ behind: nat })]
    const before = client.host.address
    const after = await client.host.changeAddress()
    expect(after).toBe(client.host.address)
    expect(after).not.toBe(before)
    expect(await client.do('addresses')).toEqual(['127.0.0.1', after])
    const { down } = await client.host.traffic()
    await neighbour.do('send', 0, { address: before, port: PORT }, 'to the old address')
    await udp(neighbour, client, 'to the new address')
    await client.received('to the new address')
    expect(client.has('to the old address')).toBe(false)
    expect((await client.host.traffic()).down.packets).toBe(down.packets + 1)
    await udp(client, neighbour, 'hello')
    expect((await neighbour.received('hello')).from).toBe(`${after}:${PORT}`)
    expect((await download(client)).bytes).toBe(100_000)
  })

  it('to another network: behind another NAT, and out to the public segment', async () => {
    const [home, mobile] = [await lab.nat(), await lab.nat({ kind: 'symmetric' })]
    const client = await probe({ behind: home })
    const seenFrom = async (data: string) => {
      await udp(client, server, data)
      return (await server.received(data)).from.split(':')[0]
    }
    expect(await seenFrom('from home')).toBe(home.address)
    await client.host.changeAddress({ behind: mobile })
    expect(client.host.behind).toBe(mobile)
    expect(await seenFrom('on the move')).toBe(mobile.address)
    await client.host.changeAddress({ behind: null })
    expect(client.host.behind).toBeUndefined()
    expect(await seenFrom('in the open')).toBe(client.host.address)
    expect(client.host.address).toMatch(/^44\.128\.0\./)
  })
})
