// Chromium or Firefox by Playwright, over pipes and the host's loopback. Every page is a person of its own: a new context.
import type { Page } from '@playwright/test'
import { launchBrowser } from '../../../browser/support/launch.ts'
import type { Room, Runtime } from './runtime.ts'
import { serve } from './site.ts'

export async function start(kind: 'chromium' | 'firefox'): Promise<Runtime> {
  const browser = await launchBrowser(kind)
  return {
    async open({ url, site, globals }) {
      const context = await browser.newContext()
      const page = await context.newPage()
      const errors = watch(page)
      await page.addInitScript((all) => Object.assign(globalThis, all), globals)
      await page.goto(url ?? (await serve(site!)))
      if (url == null) await page.waitForFunction('globalThis.ready === true')
      return roomOf(page, errors, () => context.close())
    },
    stop: () => browser.close()
  }
}

function watch(page: Page): string[] {
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.stack ?? String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  return errors
}

function roomOf(page: Page, errors: string[], close: () => Promise<void>): Room {
  return {
    evaluate: (expression) => page.evaluate<string>(expression),
    errors: async () => errors,
    close
  }
}
