// A link that says nothing costs little: where the relay's limits are small, the direct path stands alone until it is needed.
import { afterEach, expect, it } from 'vitest'
import type { Link } from '../../src/index.ts'
import { startOwnRelay, startPair } from '../support/nodes.ts'
import { ECHO, echo } from '../support/transfer.ts'
import { canDropUdp, dropUdp, restoreUdp, whyNotDropUdp } from '../support/udp.ts'
import { eventually, story, waitFor, waitForState } from '../support/wait-for.ts'

const WORD_EVERY_MS = 20

afterEach(() => restoreUdp())

/** The direct path has no other beside it. */
async function alone(link: Link): Promise<void> {
  await waitForState(link, (state) => state.status === 'direct' && state.standby === 'cold')
  await eventually('its path is the only one', () => link.paths.length === 1)
}

it('a cold standby is dialled when the direct path is suspected, no stream notices, and it is given up again', async ({
  skip
}) => {
  if (!canDropUdp()) skip(whyNotDropUdp())
  // Circuits this short are given up soon after the link is direct, not only after half a minute of silence.
  const relay = await startOwnRelay({ stock: true, limitSeconds: 40 })
  const [a, b] = await startPair(relay.multiaddrs)
  await echo(b)
  const stream = await a.dialProtocol(b.peerId, ECHO)
  const link = a.services.links.get(b.peerId)!
  const ends = [link, b.services.links.get(a.peerId)!]
  await Promise.all(ends.map(alone))

  let sent = 0
  const heard: number[] = []
  let ended: string | undefined
  stream.addEventListener('close', ({ error }) => {
    ended = error?.message ?? 'closed'
  })
  stream.addEventListener('message', ({ data }) => heard.push(...data.subarray()))
  const talk = setInterval(() => stream.send(new Uint8Array([sent++ % 256])), WORD_EVERY_MS)
  try {
    await eventually('the other one answers', () => heard.length > 10)
    const opened = waitFor<{ path: { kind: string } }>(link, 'path:open', ({ path }) => path.kind === 'relayed')
    const cutAt = performance.now()
    await dropUdp()
    await opened
    const openedMs = performance.now() - cutAt
    const before = sent
    await eventually('what is said now is answered', () => heard.length > before)
    console.info(
      `a cold standby was there ${openedMs.toFixed(0)} ms after UDP was cut, with everything after ${(performance.now() - cutAt).toFixed(0)} ms`
    )
    await restoreUdp()
    await Promise.all(ends.map((end) => waitForState(end, 'direct')))
  } finally {
    clearInterval(talk)
  }
  await eventually('all of it is answered', () => heard.length === sent)
  expect(heard).toEqual(Array.from({ length: sent }, (_, index) => index % 256))
  expect(ended).toBeUndefined()
  expect(story(link)).not.toContain('recovering')

  await Promise.all(ends.map(alone))
  expect(stream.status).toBe('open')
})
