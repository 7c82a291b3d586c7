// Browsers with the switches that tests need, and no more: whatever differs from what users have is a reason to doubt.
import { type Browser, chromium, firefox, type LaunchOptions, webkit } from '@playwright/test'
import { findBrowsers } from '../../../scripts/browsers.ts'

export type BrowserKind = 'chromium' | 'firefox' | 'webkit'

const engines = { chromium, firefox, webkit }

export async function launchBrowser(kind: BrowserKind, options: LaunchOptions = {}): Promise<Browser> {
  const found = (await findBrowsers())[kind]
  if (found == null) throw new Error(`${kind} is not installed: npm run setup`)
  const { executablePath } = found
  const defaults: Record<BrowserKind, LaunchOptions> = {
    // Inside the isolated network everybody is root, and Chromium's sandbox refuses root.
    chromium: { args: process.platform === 'linux' ? ['--no-sandbox', '--disable-gpu'] : [] },
    firefox: {
      // Playwright drives a stock Firefox by WebDriver BiDi, its own build by a protocol of its own.
      ...(executablePath == null ? {} : { channel: 'moz-firefox' }),
      // Without it every close takes five seconds.
      firefoxUserPrefs: { 'toolkit.shutdown.fastShutdownStage': 3 }
    },
    webkit: {}
  }
  const own = defaults[kind]
  return engines[kind].launch({
    executablePath,
    ...own,
    ...options,
    args: [...(own.args ?? []), ...(options.args ?? [])],
    firefoxUserPrefs: { ...own.firefoxUserPrefs, ...options.firefoxUserPrefs }
  })
}
