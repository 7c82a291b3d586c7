// Short circuits that bulk uses up one after the other leave room for what a direct path needs to be arranged.
import { expect, it } from 'vitest'
import type { Link } from '../../src/index.ts'
import { startOwnRelay, startPair } from '../support/nodes.ts'
import { LinkWatch } from '../support/renewals.ts'
import { randomBytes, SINK, sendAll, sha256, sink } from '../support/transfer.ts'
import { eventually, waitFor } from '../support/wait-for.ts'

const BYTES = 4 * 1_048_576
/** Circuits behind it: the burst is used up, and the sender is paced. */
const CIRCUITS_BEFORE = 12

it.each([
  ['who dials sends', true],
  ['who was dialled sends', false]
])(
  'a link goes direct while its circuits of 64 KiB and 10 s are replaced, and loses nothing: %s',
  async (_who, dialler) => {
    const relay = await startOwnRelay({ stock: true, limitBytes: 65_536, limitSeconds: 10 })
    let allowed = false
    const [a, b] = await startPair(relay.multiaddrs, { upgrade: () => allowed })
    const accepted = waitFor<Link>(b.services.links, 'link:open')
    const ofA = new LinkWatch(await a.services.links.dial(b.peerId))
    const ofB = new LinkWatch(await accepted)
    const [from, to] = dialler ? [ofA, b] : [ofB, a]
    const received = await sink(to)
    const data = randomBytes(BYTES)
    const stream = await from.link.connection.newStream(SINK)
    const sent = sendAll(stream, data, { pieceBytes: 16_384 }).then(() => stream.close())
    await eventually('circuits are replaced', () => ofA.circuits >= CIRCUITS_BEFORE)
    expect(ofA.link.state.status, ofA.story).toBe('relayed')
    allowed = true
    await ofA.link.upgrade()
    expect(ofA.link.state.status, ofA.story).toBe('direct')
    await sent
    expect(await received.result(0), `${ofA.story}\n${ofB.story}`).toEqual({
      bytes: BYTES,
      hash: sha256(data),
      error: undefined
    })
    expect([...ofA.cut, ...ofB.cut], `${ofA.story}\n${ofB.story}`).toEqual([])
    // Circuits this short are not worth standing by on.
    await eventually('the standby is given up', () => ofA.link.paths.length === 1 && ofB.link.paths.length === 1)
    expect(ofA.link.state).toEqual({ status: 'direct', standby: 'cold' })
  }
)
