// Two demo pages that are linked, for specs of what cards have.
import type { Page } from '@playwright/test'
import { test as base, expectDialled, expectState, shareLinkOf, speaksWebRtc } from './demo.ts'

export { expect } from './demo.ts'

export interface DemoPair {
  readonly alice: Page
  /** He dialled. */
  readonly bob: Page
  readonly pages: [Page, Page]
  /** Whether both browsers can; the link is direct then. */
  readonly hasWebRtc: boolean
}

export const test = base.extend<{ linked: DemoPair }>({
  linked: async ({ browserKinds, demoUrl, openPage }, use) => {
    const alice = await openPage({ url: demoUrl(), kind: browserKinds[0] })
    const bob = await openPage({ url: await shareLinkOf(alice), kind: browserKinds[1] })
    const hasWebRtc = (await speaksWebRtc(alice)) && (await speaksWebRtc(bob))
    await expectDialled(bob)
    await expectState([alice, bob], hasWebRtc ? 'direct' : 'relayed')
    await use({ alice, bob, pages: [alice, bob], hasWebRtc })
  }
})
