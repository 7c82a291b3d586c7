// A page in a window of its own browser, linked with a Node process.
import { test as base, type CDPSession, type Page } from '@playwright/test'
import { type HeadedKind, hide, launchHeaded, watchTimers, whyNotLaunchHeaded } from '../support/headed/index.ts'
import type {} from '../support/page/globals.ts'
import { type PeerProcess, startPeer } from './peer-process.ts'

export { expect } from '@playwright/test'

/** The status of a link that has it. */
export type PathWanted = 'direct' | 'relayed'

export interface Linked {
  page: Page
  peer: PeerProcess
  /** Chromium only. */
  devtools: () => Promise<CDPSession>
}

export interface Fixtures {
  /** The page dialled, both sides have the path wanted, and another tab is in front of the page since. */
  hideLinkedPage: (kind: HeadedKind, path: PathWanted) => Promise<Linked>
  /** One more Node process, linked with nobody. */
  openPeer: (path: PathWanted) => Promise<PeerProcess>
  /** Errors on the page's console, and uncaught ones, fail the test unless named here. */
  allowedErrors: RegExp[]
}

const UPGRADE_MS = 20_000

const addresses = () => ({
  relays: (process.env.HOLDFAST_RELAYS ?? '').split(','),
  stunUrl: process.env.HOLDFAST_STUN ?? ''
})

const upgradeFor = (path: PathWanted) => (path === 'direct' ? 'auto' : 'never')

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's dependencies from this pattern
  allowedErrors: async ({}, use) => {
    await use([])
  },

  // biome-ignore lint/correctness/noEmptyPattern: as above
  openPeer: async ({}, use) => {
    const peers: PeerProcess[] = []
    await use(async (path) => {
      const { relays, stunUrl } = addresses()
      const peer = await startPeer(upgradeFor(path), relays, stunUrl)
      peers.push(peer)
      return peer
    })
    for (const peer of peers) await peer.stop()
  },

  hideLinkedPage: async ({ allowedErrors, openPeer }, use) => {
    const stops: Array<() => Promise<void>> = []
    const errors: string[] = []
    await use(async (kind, path) => {
      const why = await whyNotLaunchHeaded(kind)
      test.skip(why != null, why)
      const peer = await openPeer(path)
      const browser = await launchHeaded(kind, process.env.HOLDFAST_DISPLAY ?? '')
      stops.push(browser.close)
      const page = await browser.context.newPage()
      page.on('pageerror', (error) => errors.push(error.stack ?? String(error)))
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text())
      })
      await page.addInitScript((globals) => Object.assign(globalThis, globals), addresses())
      await page.goto(process.env.HOLDFAST_PAGE ?? '')
      await page.waitForFunction('globalThis.ready === true')
      const peerId = await peer.ask('peerId')
      await page.evaluate(
        async ([peerId, upgrade]) => {
          globalThis.person = await Person.start({ relays, stunServers: [stunUrl], upgrade })
          await person.dial(peerId, 'hello')
        },
        [peerId, upgradeFor(path)] as const
      )
      await peer.ask('say', 'hello')
      if (path === 'direct') {
        await page.evaluate((ms) => person.link.whenDirect({ signal: AbortSignal.timeout(ms) }), UPGRADE_MS)
        await base.expect.poll(async () => (await peer.ask('story')).status).toBe('direct')
      }
      await watchTimers(page)
      await hide(page)
      return { page, peer, devtools: () => browser.context.newCDPSession(page) }
    })
    for (const stop of stops.reverse()) await stop()
    const unexpected = errors.filter((text) => !allowedErrors.some((pattern) => pattern.test(text)))
    base.expect(unexpected, "errors on the page's console").toEqual([])
  }
})
