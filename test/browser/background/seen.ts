// What either side says happened to the link.
import { expect, type TestInfo } from '@playwright/test'
import type {} from '../support/page/globals.ts'
import type { Linked } from './fixtures.ts'

/** What happened to the link on either side since then. */
export async function happened({ page, peer }: Linked, since: number): Promise<{ page: string[]; peer: string[] }> {
  const tell = (seen: Array<{ at: number; what: string }>) =>
    seen.filter(({ at }) => at > since).map(({ at, what }) => `${((at - since) / 1_000).toFixed(1)} s ${what}`)
  const { history } = await peer.ask('story')
  return {
    page: tell(await page.evaluate(() => person.seen)),
    peer: tell(history.map(({ at, to, cause }) => ({ at, what: `${to}: ${cause}` })))
  }
}

export interface Kept {
  /** All that either side called the link. */
  statuses: string[]
  /** For how long it was anything but what it was at first, on the side where that was longer. */
  awayMs: number
}

/** What the link was from then on. */
export async function kept({ page, peer }: Linked, since: number, until: number): Promise<Kept> {
  const own = await page.evaluate(() => person.link.history.map(({ at, to }) => ({ at, to })))
  const both = [own, (await peer.ask('story')).history].map((history) => keptBy(history, since, until))
  return {
    statuses: [...new Set(both.flatMap(({ statuses }) => statuses))],
    awayMs: Math.max(...both.map(({ awayMs }) => awayMs))
  }
}

function keptBy(history: Array<{ at: number; to: string }>, since: number, until: number): Kept {
  const first = history.findLast(({ at }) => at <= since)?.to ?? 'nothing'
  const later = history.filter(({ at }) => at > since)
  const ends = [...later.slice(1).map(({ at }) => at), until]
  const away = later.map(({ at, to }, i) => (to === first ? 0 : (ends[i] as number) - at))
  return { statuses: [first, ...later.map(({ to }) => to)], awayMs: away.reduce((sum, ms) => sum + ms, 0) }
}

const QUIET_MS = 5_000
const SETTLE_MS = 60_000

/** Six browsers start at once: what that does to a link is not what this is about. Resolves when nothing happens any more. */
export async function settle(linked: Linked): Promise<void> {
  const recent = () => happened(linked, Date.now() - QUIET_MS)
  await expect.poll(recent, { timeout: SETTLE_MS }).toEqual({ page: [], peer: [] })
}

/** Round-trip time in ms of a fresh message of the peer, and of one of the page; infinite where no answer came. */
export async function freshEchoes({ page, peer }: Linked): Promise<{ peerMs: number; pageMs: number }> {
  const never = () => Number.POSITIVE_INFINITY
  const peerMs = await peer.ask('say', 'fresh').catch(never)
  return {
    peerMs,
    pageMs: peerMs === never() ? peerMs : await page.evaluate(() => person.say('of the page')).catch(never)
  }
}

export function print(info: TestInfo, figures: Record<string, string | number>): void {
  const text = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  console.log(`    [${info.title}] ${text.join(', ')}`)
}
