// The page of browser-demo as a person uses it: by its texts, its share link and its keyboard.
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { startChat } from '../support/chat.ts'
import { expect, test } from './support/fixtures.ts'
import { servePage } from './support/servers.ts'

/** A dial is bounded by 10 s, an upgrade attempt by another 10. */
const linkUp = { timeout: 20_000 }

/** A well-formed PeerId that nobody has. */
const nobody = '12D3KooWHFwQdAaKvLyD2dcVJLe8Yb83NUZ5n2L74w4iH6jMzTqF'

let demo: Awaited<ReturnType<typeof servePage>>

test.beforeAll(async () => {
  const root = join(import.meta.dirname, '..', '..', 'browser-demo')
  demo = await servePage({ root, configFile: join(root, 'vite.config.ts') })
})

test.afterAll(async () => {
  await demo?.stop()
})

function demoUrl(relays: string[], stunUrl: string): string {
  const url = new URL(demo.url)
  url.searchParams.set('relay', relays.join(','))
  url.searchParams.set('stun', stunUrl)
  return url.href
}

async function shareLinkOf(page: Page): Promise<string> {
  await expect(page.getByText('Others can dial you')).toBeVisible(linkUp)
  return page.getByRole('link', { name: '#dial=' }).evaluate((link: HTMLAnchorElement) => link.href)
}

/** Whoever dialled can type at once. */
async function expectDialled(page: Page): Promise<void> {
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeFocused(linkUp)
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(text)
  await page.keyboard.press('Enter')
}

async function expectHeard(page: Page, text: string): Promise<void> {
  await expect(page.getByRole('log').getByText(text, { exact: true })).toBeVisible(linkUp)
}

async function expectState(pages: Page[], state: string): Promise<void> {
  for (const page of pages) await expect(page.getByTestId('link-card')).toHaveAttribute('data-state', state, linkUp)
}

const speaksWebRtc = (page: Page) => page.evaluate(() => 'RTCPeerConnection' in globalThis)

test('a share link leads to a chat that goes direct', async ({ browserKinds, openPage, relayAddresses, stunUrl }) => {
  const alice = await openPage({ url: demoUrl(relayAddresses, stunUrl), kind: browserKinds[0] })
  const phone = { viewport: { width: 360, height: 740 } }
  const bob = await openPage({ url: await shareLinkOf(alice), kind: browserKinds[1], contextOptions: phone })

  await expectDialled(bob)
  await say(bob, 'hello from bob')
  await expectHeard(alice, 'hello from bob')
  await say(alice, 'hello from alice')
  await expectHeard(bob, 'hello from alice')

  if ((await speaksWebRtc(alice)) && (await speaksWebRtc(bob))) {
    await expectState([alice, bob], 'direct')
    await expect(alice.getByTestId('link-state')).toHaveText('direct over WebRTC, relay on standby')
    await expect(alice.locator('[data-testid=path][data-kind=webrtc]')).toContainText('in use')
  }
  await say(bob, 'and now?')
  await expectHeard(alice, 'and now?')
  expect(await bob.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)

  await alice.getByRole('button', { name: 'Close the link' }).click()
  await expectState([alice, bob], 'closed')
  await expect(bob.getByRole('textbox', { name: 'Message' })).toBeDisabled()
  await bob.getByRole('button', { name: 'Dial again' }).click()
  await expectDialled(bob)
  await say(bob, 'back again')
  await expectHeard(alice, 'back again')
})

test('the chat goes on when the direct path is taken away', async ({
  browserKinds,
  openPage,
  relayAddresses,
  stunUrl,
  udp
}) => {
  const alice = await openPage({ url: demoUrl(relayAddresses, stunUrl), kind: browserKinds[0] })
  const bob = await openPage({ url: await shareLinkOf(alice), kind: browserKinds[1] })
  test.skip(!(await speaksWebRtc(alice)) || !(await speaksWebRtc(bob)), 'a browser here has no WebRTC')
  await expectState([alice, bob], 'direct')

  await udp.drop()
  await say(alice, 'can you hear me?')
  await expectHeard(bob, 'can you hear me?')
  await say(bob, 'I can')
  await expectHeard(alice, 'I can')
  await expectState([alice, bob], 'relayed')
  await expect(alice.getByTestId('changes')).toContainText('direct → relayed')
})

test('a terminal that runs examples/chat.ts talks with the page', async ({ openPage, relayAddresses, stunUrl }) => {
  const page = await openPage({ url: demoUrl(relayAddresses, stunUrl) })
  await shareLinkOf(page)
  const peerId = (await page.getByTestId('peer-id').textContent()) ?? ''
  const terminal = startChat(relayAddresses[0] ?? '', peerId)
  try {
    await expect.poll(terminal.err, linkUp).toContain(`Talking to ${peerId}`)
    terminal.child.stdin.write('hello from a terminal\n')
    await expectHeard(page, 'hello from a terminal')
    await say(page, 'hello from a page')
    await expect.poll(terminal.out, linkUp).toBe('hello from a page\n')
    terminal.child.stdin.end()
    expect(await terminal.exited).toEqual([0, null])
    await expectState([page], 'closed')
  } finally {
    terminal.child.kill('SIGKILL')
  }
})

test('the dial box says what is wrong', async ({ openPage, relayAddresses, stunUrl }) => {
  const page = await openPage({ url: demoUrl(relayAddresses, stunUrl) })
  const link = await shareLinkOf(page)
  const mistake = page.getByTestId('dial-error')
  const dial = async (text: string) => {
    await page.getByLabel('PeerId or share link').fill(text)
    await page.keyboard.press('Enter')
  }

  await dial('12D3KooWnonsense')
  await expect(mistake).toContainText('“12D3KooWnonsense” is not a PeerId')
  await dial(link)
  await expect(mistake).toContainText('This is your own PeerId')
  await dial(nobody)
  await expect(mistake).toContainText('Nobody answered', linkUp)
  await expect(page.getByLabel('PeerId or share link')).toBeFocused()
})
