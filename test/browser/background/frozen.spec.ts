// A frozen page runs nothing at all: no timer, no message. That is what browsers do to hidden tabs to save energy. Within
// the resume window it goes on where it was when it thaws.
import { setTimeout as sleep } from 'node:timers/promises'
import { throttling } from '../support/headed/index.ts'
import { expect, type PathWanted, test } from './fixtures.ts'
import { freshEchoes, happened, print } from './seen.ts'

const FROZEN_MS = 30_000
const STREAM_INTERVAL_MS = 100

/** Everything has to be there by then: the peer redials every 5 s at most. */
const CATCH_UP_MS = 15_000

/** Starting, freezing and catching up, on a busy machine. */
const TEST_MS = 3 * 60_000

/** What people take for at once. */
const FRESH_ECHO_MS = 2_000

/** What Chromium writes on a page whose WebSocket it closed because it froze the page, and on what is sent there after. */
const CLOSED_BY_FREEZING = [/Page entered Back-Forward Cache/, /WebSocket is already in CLOSING or CLOSED state/]

for (const path of ['direct', 'relayed'] satisfies PathWanted[]) {
  test(`a tab of chromium frozen for 30 s loses nothing of a ${path} link`, async ({
    allowedErrors,
    hideLinkedPage,
    openPeer
  }, info) => {
    test.setTimeout(TEST_MS)
    allowedErrors.push(...CLOSED_BY_FREEZING)
    const linked = await hideLinkedPage('chromium', path)
    const { page, peer, devtools } = linked
    const pageId = await page.evaluate(() => person.peerId)
    const newcomer = await openPeer(path)
    const session = await devtools()
    await peer.ask('startStream', STREAM_INTERVAL_MS)
    const heardCount = () => page.evaluate(() => person.heard.length)
    await expect.poll(heardCount).toBeGreaterThan(10)

    await session.send('Page.setWebLifecycleState', { state: 'frozen' })
    const frozenAt = Date.now()
    await sleep(FROZEN_MS)
    const during = await peer.ask('story')
    await session.send('Page.setWebLifecycleState', { state: 'active' })
    const thawedAt = Date.now()

    const answered = await Promise.race([peer.ask('endStream'), sleep(CATCH_UP_MS, undefined)])
    const caughtUpMs = Date.now() - thawedAt
    const heard = await page.evaluate(() => person.heard)
    const { longestGapMs } = await throttling(page, frozenAt, thawedAt)
    const seen = await happened(linked, frozenAt)
    const story = await peer.ask('story')
    const isSame = await page.evaluate(
      () =>
        person.node.services.links.get(person.link.remotePeer) === person.link &&
        person.node.services.links.all().length === 1
    )
    const { peerMs, pageMs } = await freshEchoes(linked)
    // Chromium closed the WebSocket that the page's reservation at the relay hung on.
    const found = () =>
      newcomer.ask('dial', pageId).then(
        () => 'found',
        (err: Error) => err.message
      )
    await expect.poll(found, { timeout: CATCH_UP_MS }).toBe('found')
    const foundMs = Date.now() - thawedAt
    const numbers = heard.map(({ text }) => text).filter((text) => /^\d+$/.test(text))
    const duringFreeze = heard.filter(({ at }) => at > frozenAt + 500 && at < thawedAt - 500).length
    print(info, {
      'frozen s': ((thawedAt - frozenAt) / 1_000).toFixed(1),
      'longest gap between timers s': (longestGapMs / 1_000).toFixed(1),
      'messages heard meanwhile': duringFreeze,
      'the link at the peer then': during.status,
      'messages in all': numbers.length,
      'caught up ms after': caughtUpMs,
      'fresh echo ms': peerMs.toFixed(0),
      'of the page ms': pageMs.toFixed(0),
      'found by others ms after': foundMs,
      'seen by the page': seen.page.join('; ') || 'nothing',
      'and by the peer': seen.peer.join('; ') || 'nothing'
    })

    expect(longestGapMs, 'the page has to be frozen').toBeGreaterThan(FROZEN_MS - 1_500)
    expect(duringFreeze, 'the page has to be frozen').toBe(0)
    expect(answered, `everything has to come back within ${CATCH_UP_MS} ms`).toBeDefined()
    expect(numbers).toEqual(numbers.map((_, n) => String(n)))
    expect(answered).toEqual(numbers.map(Number))
    expect(numbers.length).toBeGreaterThan(FROZEN_MS / STREAM_INTERVAL_MS / 2)
    expect(story).toMatchObject({ links: 1, isCurrent: true, ended: [] })
    expect(isSame).toBe(true)
    expect(Math.max(peerMs, pageMs)).toBeLessThan(FRESH_ECHO_MS)
  })
}
