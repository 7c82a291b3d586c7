// Browsers with windows and tabs as users have them: a tab behind another one is hidden, and gets what hidden tabs get.
import { type BrowserContext, expect, type Page } from '@playwright/test'
import { findBrowsers } from '../../../../scripts/browsers.ts'
import { launchChromium } from './chromium.ts'
import { launchFirefox } from './firefox.ts'
import { whyNotHeaded } from './xvfb.ts'

export { type Throttling, throttling, watchTimers } from './timers.ts'
export { type Display, startDisplay, whyNotHeaded } from './xvfb.ts'

export type HeadedKind = 'chromium' | 'firefox'

export interface HeadedBrowser {
  /** Its first one: private ones differ from what users have. */
  readonly context: BrowserContext
  close(): Promise<void>
}

export function launchHeaded(kind: HeadedKind, display: string): Promise<HeadedBrowser> {
  return kind === 'chromium' ? launchChromium(display) : launchFirefox(display)
}

/** The reason to skip a test with, or undefined. */
export async function whyNotLaunchHeaded(kind: HeadedKind): Promise<string | undefined> {
  const browser = (await findBrowsers())[kind]
  if (browser == null) return `${kind} is not installed`
  if (kind === 'firefox' && browser.executablePath == null) {
    return "Playwright's build of Firefox opens windows instead of tabs, which hide nothing"
  }
  return whyNotHeaded()
}

/** Puts a new tab of the same window before this one. */
export async function hide(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.open('about:blank', '_blank', 'noopener')
  })
  await expect.poll(() => page.evaluate(() => document.visibilityState)).toBe('hidden')
}
