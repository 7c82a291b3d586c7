// The page of examples/yjs as two people use it: both type at once, and go on when the direct path is gone.
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { expect, test } from './support/fixtures.ts'
import { servePage } from './support/servers.ts'

/** A dial is bounded by 10 s, an upgrade attempt by another 10. */
const linkUp = { timeout: 20_000 }

let example: Awaited<ReturnType<typeof servePage>>

test.beforeAll(async () => {
  const root = join(import.meta.dirname, '..', '..', 'examples', 'yjs')
  example = await servePage({ root, configFile: join(root, 'vite.config.ts') })
})

test.afterAll(async () => {
  await example?.stop()
})

function urlOf(relays: string[], stunUrl: string): string {
  const url = new URL(example.url)
  for (const relay of relays) url.searchParams.append('relay', relay)
  if (stunUrl !== '') url.searchParams.set('stun', stunUrl)
  return url.href
}

const area = (page: Page) => page.getByRole('textbox', { name: 'Text' })

async function shareLinkOf(page: Page): Promise<string> {
  await expect(area(page)).toBeEnabled(linkUp)
  return page.getByRole('link', { name: 'this link' }).evaluate((link: HTMLAnchorElement) => link.href)
}

async function expectLink(page: Page, status: string): Promise<void> {
  await expect(page.getByRole('listitem')).toHaveText(new RegExp(`: ${status}$`), linkUp)
}

const speaksWebRtc = (page: Page) => page.evaluate(() => 'RTCPeerConnection' in globalThis)

/** One types digits and the other letters, each at their own caret, key by key. */
async function typeAtOnce(alice: Page, bob: Page, digits: string, letters: string): Promise<void> {
  await Promise.all([
    area(alice).pressSequentially(digits, { delay: 10 }),
    area(bob).pressSequentially(letters, { delay: 10 })
  ])
}

/** All of what both typed is there once, everybody's own in their order, and both see the same. */
async function expectTexts(alice: Page, bob: Page, digits: string, letters: string): Promise<void> {
  for (const page of [alice, bob]) {
    await expect.poll(async () => (await area(page).inputValue()).length, linkUp).toBe(digits.length + letters.length)
  }
  const text = await area(alice).inputValue()
  expect(text.replace(/\D/g, '')).toBe(digits)
  expect(text.replace(/\d/g, '')).toBe(letters)
  expect(await area(bob).inputValue()).toBe(text)
}

test('what is there already comes with the link, and what both type at once converges', async ({
  browserKinds,
  openPage,
  relayAddresses,
  stunUrl
}) => {
  const alice = await openPage({ url: urlOf(relayAddresses, stunUrl), kind: browserKinds[0] })
  const link = await shareLinkOf(alice)
  await area(alice).pressSequentially('2026')
  const bob = await openPage({ url: link, kind: browserKinds[1] })
  await expect(area(bob)).toHaveValue('2026', linkUp)

  // One writes at the end, the other before all that is there: nobody's caret is moved by what the other one writes.
  await area(alice).press('End')
  await area(bob).press('Home')
  await typeAtOnce(alice, bob, '0123456789', 'abcdefghij')
  for (const page of [alice, bob]) await expect(area(page)).toHaveValue('abcdefghij20260123456789', linkUp)

  // A third one hears of everybody through the one whom it dialled.
  const carol = await openPage({ url: link, kind: browserKinds[0] })
  await expect(area(carol)).toHaveValue(await area(alice).inputValue(), linkUp)
  await area(carol).press('ControlOrMeta+a')
  await area(carol).press('Delete')
  for (const page of [alice, bob]) await expect(area(page)).toHaveValue('', linkUp)
})

test('typing goes on when the direct path is taken away', async ({
  browserKinds,
  openPage,
  relayAddresses,
  stunUrl,
  udp
}) => {
  const alice = await openPage({ url: urlOf(relayAddresses, stunUrl), kind: browserKinds[0] })
  const bob = await openPage({ url: await shareLinkOf(alice), kind: browserKinds[1] })
  test.skip(!(await speaksWebRtc(alice)) || !(await speaksWebRtc(bob)), 'a browser here has no WebRTC')
  for (const page of [alice, bob]) await expectLink(page, 'direct')
  await typeAtOnce(alice, bob, '01234', 'abcde')

  await udp.drop()
  await typeAtOnce(alice, bob, '56789', 'fghij')
  await expectTexts(alice, bob, '0123456789', 'abcdefghij')
  for (const page of [alice, bob]) await expectLink(page, 'relayed')
})
