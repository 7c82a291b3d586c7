// What the specs of browser-demo are written with: the page as it is shipped, and the words of somebody who uses it.
import { join } from 'node:path'
import type { Locator, Page } from '@playwright/test'
import { test as base, expect } from './fixtures.ts'
import { servePage } from './servers.ts'

export { expect } from './fixtures.ts'

/** A dial is bounded by 10 s, an upgrade attempt by another 10. */
export const linkUp = { timeout: 20_000 }

interface DemoFixtures {
  /** The page's address: with the relay that runs for all tests, or others; with more for its query. */
  demoUrl: (options?: { relays?: string[]; query?: Record<string, string> }) => string
}

export const test = base.extend<DemoFixtures, { demoServer: string }>({
  demoServer: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's dependencies from this pattern
    async ({}, use) => {
      const root = join(import.meta.dirname, '..', '..', '..', 'browser-demo')
      const demo = await servePage({ root, configFile: join(root, 'vite.config.ts') })
      await use(demo.url)
      await demo.stop()
    },
    { scope: 'worker' }
  ],

  demoUrl: async ({ demoServer, relayAddresses, stunUrl }, use) => {
    await use(({ relays = relayAddresses, query = {} } = {}) => {
      const url = new URL(demoServer)
      const wanted = { relay: relays.join(','), stun: stunUrl, ...query }
      for (const [name, value] of Object.entries(wanted)) url.searchParams.set(name, value)
      return url.href
    })
  }
})

export async function shareLinkOf(page: Page): Promise<string> {
  await expect(page.getByText('Others can dial you')).toBeVisible(linkUp)
  return page.getByRole('link', { name: '#dial=' }).evaluate((link: HTMLAnchorElement) => link.href)
}

/** Whoever dialled can type at once. */
export async function expectDialled(page: Page): Promise<void> {
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeFocused(linkUp)
}

/** Where the page has its focus, though another window may be the one in front. */
export async function expectFocus(target: Locator): Promise<void> {
  await expect.poll(() => target.evaluate((element) => element === document.activeElement), linkUp).toBe(true)
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(text)
  await page.keyboard.press('Enter')
}

export async function expectHeard(page: Page, text: string): Promise<void> {
  await expect(page.getByRole('log').getByText(text, { exact: true })).toBeVisible(linkUp)
}

export async function expectState(pages: Page[], state: string): Promise<void> {
  for (const page of pages) await expect(page.getByTestId('link-card')).toHaveAttribute('data-state', state, linkUp)
}

export const speaksWebRtc = (page: Page) => page.evaluate(() => 'RTCPeerConnection' in globalThis)
