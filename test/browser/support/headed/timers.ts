// Whether the browser held a page's timers back: without that, a test of hidden tabs proves nothing.
import type { Page } from '@playwright/test'

/** How often the page asks to be woken. */
const INTERVAL_MS = 100

declare global {
  /** When timers of the page ran, in ms since the Unix epoch. */
  var wakeUps: { interval: number[]; chain: number[] }
}

/** Starts an interval and a chain of timeouts in the page. */
export async function watchTimers(page: Page): Promise<void> {
  await page.evaluate((ms) => {
    globalThis.wakeUps = { interval: [], chain: [] }
    setInterval(() => wakeUps.interval.push(Date.now()), ms)
    const next = (): void => {
      wakeUps.chain.push(Date.now())
      setTimeout(next, ms)
    }
    next()
  }, INTERVAL_MS)
}

export interface Throttling {
  /** Of the interval and of the chain, whichever was woken more often. */
  wakeUpsPerSecond: number
  /** Of the interval. */
  longestGapMs: number
}

/** What the timers got between two times in ms since the Unix epoch. */
export async function throttling(page: Page, from: number, to: number): Promise<Throttling> {
  const seen = await page.evaluate(() => wakeUps)
  const within = (times: number[]) => times.filter((at) => at >= from && at <= to)
  const [interval, chain] = [within(seen.interval), within(seen.chain)]
  const edges = [from, ...interval, to]
  return {
    wakeUpsPerSecond: Math.max(interval.length, chain.length) / ((to - from) / 1_000),
    longestGapMs: Math.max(...edges.slice(1).map((at, i) => at - (edges[i] as number)))
  }
}
