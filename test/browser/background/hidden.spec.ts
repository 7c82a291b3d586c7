// A tab that nobody looks at for seven minutes is still linked when somebody does. Chromium and Firefox hold timers of hidden
// pages back to one per second, and Chromium after five minutes at the latest to one per minute. Pages with WebRTC are spared
// the minute, and only that.
import { setTimeout as sleep } from 'node:timers/promises'
import { throttling } from '../support/headed/index.ts'
import { expect, type PathWanted, test } from './fixtures.ts'
import type { Story } from './peer-process.ts'
import { freshEchoes, happened, kept, print, settle } from './seen.ts'

const HIDDEN_MS = 7 * 60_000
const MESSAGE_INTERVAL_MS = 60_000

/** What people take for at once. */
const FRESH_ECHO_MS = 2_000

/** The same for half of the messages: those that the busy machine did not hold up. Throttled timers would take a second. */
const MEDIAN_ECHO_MS = 200

/** A machine that is busy with other tests stalls a direct path for a moment; the link goes over the relay meanwhile. */
const AWAY_MS = 2_000

/** One wake-up per second, and a few on the way into the background. */
const HIDDEN_WAKE_UPS_PER_SECOND = 1.1

/** One wake-up per minute begins after five; timers are aligned to it. */
const INTENSIVE_GAP_MS = 50_000

const activePath = ({ paths }: Story) => paths.find(({ role }) => role === 'active')

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

for (const kind of ['chromium', 'firefox'] as const) {
  for (const path of ['direct', 'relayed'] satisfies PathWanted[]) {
    test(`a tab of ${kind} hidden for seven minutes keeps its ${path} link`, async ({ hideLinkedPage }, info) => {
      const linked = await hideLinkedPage(kind, path)
      const { page, peer } = linked
      await settle(linked)
      const hiddenAt = Date.now()
      const before = activePath(await peer.ask('story'))

      const echoes: number[] = []
      const shownAt = hiddenAt + HIDDEN_MS
      for (let at = hiddenAt + MESSAGE_INTERVAL_MS; at < shownAt; at += MESSAGE_INTERVAL_MS) {
        await sleep(at - Date.now())
        echoes.push(await peer.ask('say', `message at ${at - hiddenAt} ms`).catch(() => Number.POSITIVE_INFINITY))
      }
      await sleep(shownAt - Date.now())

      const { peerMs, pageMs } = await freshEchoes(linked)
      const endedAt = Date.now()
      const { wakeUpsPerSecond, longestGapMs } = await throttling(page, hiddenAt, endedAt)
      const seen = await happened(linked, hiddenAt)
      const { statuses, awayMs } = await kept(linked, hiddenAt, endedAt)
      const story = await peer.ask('story')
      const status = await page.evaluate(() => person.link.state.status)
      print(info, {
        'hidden s': Math.round((endedAt - hiddenAt) / 1_000),
        'timer wake-ups per s': wakeUpsPerSecond.toFixed(2),
        'longest gap between them s': (longestGapMs / 1_000).toFixed(1),
        'echoes meanwhile ms': echoes.map((ms) => ms.toFixed(0)).join(' '),
        'fresh echo ms': peerMs.toFixed(0),
        'of the page ms': pageMs.toFixed(0),
        'other than it was for ms': awayMs,
        'seen by the page': seen.page.join('; ') || 'nothing',
        'and by the peer': seen.peer.join('; ') || 'nothing'
      })

      expect(await page.evaluate(() => document.visibilityState)).toBe('hidden')
      expect(wakeUpsPerSecond, 'timers have to be held back').toBeLessThan(HIDDEN_WAKE_UPS_PER_SECOND)
      if (kind === 'chromium' && path === 'relayed') expect(longestGapMs).toBeGreaterThan(INTENSIVE_GAP_MS)

      for (const status of statuses) expect(path === 'direct' ? ['direct', 'relayed'] : ['relayed']).toContain(status)
      expect(awayMs).toBeLessThan(AWAY_MS)
      expect(status).toBe(path)
      expect(story).toMatchObject({ links: 1, isCurrent: true, status: path, ended: [] })
      expect(activePath(story), 'the path in use has to be the same').toEqual(before)
      expect(Math.max(peerMs, pageMs, ...echoes)).toBeLessThan(FRESH_ECHO_MS)
      expect(median([peerMs, pageMs, ...echoes])).toBeLessThan(MEDIAN_ECHO_MS)
    })
  }
}
