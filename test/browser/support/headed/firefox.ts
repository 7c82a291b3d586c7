// Firefox with the timers of users. Playwright writes a profile that switches throttling off and calls every tab active.
import { launchBrowser } from '../launch.ts'
import type { HeadedBrowser } from './index.ts'

/** What Firefox ships, for each preference by which the profile or the remote agent changes what hidden tabs get. */
const asShipped = {
  'dom.min_background_timeout_value': 1_000,
  'dom.min_background_timeout_value_without_budget_throttling': 1_000,
  'dom.timeout.enable_budget_timer_throttling': true,
  'dom.ipc.processPriorityManager.enabled': true,
  'focusmanager.testmode': false,
  'layout.testing.top-level-always-active': false,
  'remote.prefs.recommended': false
}

export async function launchFirefox(display: string): Promise<HeadedBrowser> {
  const browser = await launchBrowser('firefox', {
    headless: false,
    firefoxUserPrefs: asShipped,
    env: { ...process.env, DISPLAY: display }
  })
  return { context: await browser.newContext({ viewport: null }), close: () => browser.close() }
}
