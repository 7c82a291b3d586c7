// What specs are written with: two pages in the browsers of the project, a relay, and a network that can be cut.
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  test as base,
  type LaunchOptions,
  type Page
} from '@playwright/test'
import { droppedPackets, dropUdp, restoreUdp, whyNotDropUdp } from '../../support/udp.ts'
import { type BrowserKind, launchBrowser } from './launch.ts'

export { expect } from '@playwright/test'

export interface PairOptions {
  /** The browsers of `pair`, set by the project. */
  browserKinds: [BrowserKind, BrowserKind]
}

export interface PageOptions {
  /** @default the first of `browserKinds` */
  kind?: BrowserKind
  /** A browser from `launch`. @default the worker's one of this kind */
  browser?: Browser
  /** A further tab of somebody who has one already: shared storage. @default a new context */
  context?: BrowserContext
  contextOptions?: BrowserContextOptions
  /** What the page finds as `globalThis.relays`. @default `relayAddresses` */
  relays?: string[]
  /** @default the test page */
  url?: string
  /** Runs in the page before anything else does. */
  initScript?: () => void
}

export interface Fixtures {
  /** Two people: two pages of the test page in contexts of their own, in the browsers of the project. */
  pair: [Page, Page]
  /** One more page of the test page. */
  openPage: (options?: PageOptions) => Promise<Page>
  /** A browser process of the test's own: to kill it, or to start it with other switches. Closed after the test. */
  launch: (kind: BrowserKind, options?: LaunchOptions) => Promise<Browser>
  /** Cut UDP for both pages and restore it. Skips the test where that is impossible; always restored after it. */
  udp: {
    drop: () => Promise<void>
    restore: () => Promise<void>
    /** How many packets were lost since `drop`. */
    dropped: () => Promise<number>
  }
  /** Errors on a page's console, and uncaught ones, fail the test unless allowed here. */
  allowErrors: (...patterns: RegExp[]) => void
  /** Multiaddrs of the relay that runs for all tests, ending in `/p2p/<relay>`. */
  relayAddresses: string[]
  /** `stun:host:port` of that relay. */
  stunUrl: string
}

interface InternalFixtures {
  errors: { allowed: RegExp[]; watch: (page: Page) => void }
}

interface WorkerFixtures {
  /** Browsers are started once per worker. */
  browserOf: (kind: BrowserKind) => Promise<Browser>
}

export const test = base.extend<Fixtures & InternalFixtures & PairOptions, WorkerFixtures>({
  browserKinds: [['chromium', 'chromium'], { option: true }],

  browserOf: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's dependencies from this pattern
    async ({}, use) => {
      const browsers = new Map<BrowserKind, Promise<Browser>>()
      await use((kind) => {
        const browser = browsers.get(kind) ?? launchBrowser(kind)
        browsers.set(kind, browser)
        return browser
      })
      for (const browser of browsers.values()) await (await browser).close()
    },
    { scope: 'worker' }
  ],

  // biome-ignore lint/correctness/noEmptyPattern: as above
  launch: async ({}, use) => {
    const browsers: Browser[] = []
    await use(async (kind, options) => {
      const browser = await launchBrowser(kind, options)
      browsers.push(browser)
      return browser
    })
    for (const browser of browsers) await browser.close()
  },

  // biome-ignore lint/correctness/noEmptyPattern: as above
  relayAddresses: async ({}, use) => {
    await use((process.env.HOLDFAST_RELAYS ?? '').split(',').filter((address) => address !== ''))
  },

  // biome-ignore lint/correctness/noEmptyPattern: as above
  stunUrl: async ({}, use) => {
    await use(process.env.HOLDFAST_STUN ?? '')
  },

  errors: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      const allowed: RegExp[] = []
      const seen: string[] = []
      await use({
        allowed,
        watch(page) {
          page.on('pageerror', (error) => seen.push(error.stack ?? String(error)))
          page.on('console', (message) => {
            if (message.type() === 'error') seen.push(message.text())
          })
        }
      })
      const unexpected = seen.filter((text) => !allowed.some((pattern) => pattern.test(text)))
      if (unexpected.length > 0) throw new Error(`Errors on the pages' consoles:\n${unexpected.join('\n')}`)
    },
    { auto: true }
  ],

  allowErrors: async ({ errors }, use) => {
    await use((...patterns) => {
      errors.allowed.push(...patterns)
    })
  },

  openPage: async ({ browserKinds, browserOf, errors, relayAddresses, stunUrl }, use) => {
    const contexts = new Set<BrowserContext>()
    await use(async (options = {}) => {
      const browser = options.browser ?? (await browserOf(options.kind ?? browserKinds[0]))
      const context = options.context ?? (await browser.newContext(options.contextOptions))
      if (options.context == null) contexts.add(context)
      const page = await context.newPage()
      errors.watch(page)
      await page.addInitScript((globals) => Object.assign(globalThis, globals), {
        relays: options.relays ?? relayAddresses,
        stunUrl
      })
      if (options.initScript != null) await page.addInitScript(options.initScript)
      await page.goto(options.url ?? process.env.HOLDFAST_PAGE ?? '')
      if (options.url == null) await page.waitForFunction('globalThis.ready === true')
      return page
    })
    for (const context of contexts) await context.close().catch(() => {})
  },

  pair: async ({ browserKinds, openPage }, use) => {
    await use([await openPage({ kind: browserKinds[0] }), await openPage({ kind: browserKinds[1] })])
  },

  // biome-ignore lint/correctness/noEmptyPattern: as above
  udp: async ({}, use, info) => {
    const why = whyNotDropUdp()
    info.skip(why != null, why ?? '')
    await use({ drop: dropUdp, restore: restoreUdp, dropped: droppedPackets })
    await restoreUdp()
  }
})
