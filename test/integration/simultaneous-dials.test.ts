// Both sides dial at the same instant, again and again: there is no tie-break in libp2p, so the session has to be one.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { carriers, startPair } from '../support/nodes.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { randomBytes, SINK, sendAll, sha256, sink } from '../support/transfer.ts'
import { eventually, story, waitFor } from '../support/wait-for.ts'

let relay: TestRelay

beforeAll(async () => {
  relay = await startRelay()
})

afterAll(() => relay.stop())

it('a hundred times: one link each time, and nothing lost on streams both ways', async () => {
  const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
  const [atA, atB] = [await sink(a), await sink(b)]
  for (let round = 0; round < 100; round++) {
    const opened: unknown[] = []
    const count = ({ detail }: CustomEvent): void => {
      opened.push(detail)
    }
    a.services.links.addEventListener('link:open', count)
    b.services.links.addEventListener('link:open', count)
    const [there, back] = await Promise.all([a.services.links.dial(b.peerId), b.services.links.dial(a.peerId)])
    const data = [randomBytes(20_000, 2 * round + 1), randomBytes(20_000, 2 * round + 2)] as const
    await Promise.all(
      [there, back].map(async (link, i) => {
        const stream = await link.connection.newStream(SINK)
        await sendAll(stream, data[i]!)
        await stream.close()
      })
    )
    const [received, answered] = await Promise.all([atB.result(round), atA.result(round)])
    expect(received, `round ${round}: ${story(there)}`).toMatchObject({ bytes: 20_000, hash: sha256(data[0]) })
    expect(answered, `round ${round}: ${story(back)}`).toMatchObject({ bytes: 20_000, hash: sha256(data[1]) })
    expect(a.services.links.all()).toEqual([there])
    expect(b.services.links.all()).toEqual([back])
    expect(opened.length, `round ${round}`).toBe(2)
    a.services.links.removeEventListener('link:open', count)
    b.services.links.removeEventListener('link:open', count)
    const ended = waitFor(b.services.links, 'link:close')
    await (round % 2 === 0 ? Promise.all([there.close(), back.close()]) : there.close())
    await ended.catch(() => {})
    await eventually('no connection left', () => {
      return a.getConnections(b.peerId).length === 0 && b.getConnections(a.peerId).length === 0
    })
  }
})

it('of the two relayed paths one stays, and streams do not notice the other’s end', async () => {
  const [a, b] = await startPair(relay.multiaddrs, { upgrade: 'never' })
  const atB = await sink(b)
  const [link, back] = await Promise.all([a.services.links.dial(b.peerId), b.services.links.dial(a.peerId)])
  await eventually('two paths, or one', () => link.paths.length === back.paths.length)
  const data = randomBytes(3_000_000, 5)
  const stream = await link.connection.newStream(SINK)
  const sending = sendAll(stream, data)
  await eventually('one path', () => link.paths.length === 1 && back.paths.length === 1)
  await sending
  await stream.close()
  expect(await atB.result(0)).toMatchObject({ bytes: 3_000_000, hash: sha256(data) })
  expect(link.paths[0]?.id).toBe(back.paths[0]?.id)
  await eventually('one carrier', () => carriers(a, b.peerId).length === 1 && carriers(b, a.peerId).length === 1)
})
