// The page of browser-demo as a person uses it: by its texts, its share link and its keyboard.
import { startExample } from '../support/example.ts'
import {
  expect,
  expectDialled,
  expectFocus,
  expectHeard,
  expectState,
  linkUp,
  say,
  shareLinkOf,
  speaksWebRtc,
  test
} from './support/demo.ts'

/** A well-formed PeerId that nobody has. */
const nobody = '12D3KooWHFwQdAaKvLyD2dcVJLe8Yb83NUZ5n2L74w4iH6jMzTqF'

test('a share link leads to a chat that goes direct', async ({ browserKinds, demoUrl, openPage }) => {
  const alice = await openPage({ url: demoUrl(), kind: browserKinds[0] })
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
    await expect(alice.getByRole('status').getByText('direct over WebRTC, relay on standby')).toBeAttached()
    await expect(alice.locator('[data-testid=path][data-kind=webrtc]')).toContainText('in use')
    await expect(alice.locator('[data-testid=band][data-status=direct]')).toHaveText('direct')
    await expect(alice.getByTestId('latest-cause')).toContainText('webrtc path answered our probe')
    await expect(alice.getByTestId('rtt')).toContainText(/direct [\d.]+ ms, .*relayed [\d.]+ ms/)
  }
  await say(bob, 'and now?')
  await expectHeard(alice, 'and now?')
  expect(await bob.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)

  await alice.getByRole('button', { name: 'Close the link' }).click()
  await expectState([alice, bob], 'closed')
  // Nobody's focus is lost: a button that went has a successor, a box that is of no use now keeps it.
  await expectFocus(alice.getByRole('button', { name: 'Dial again' }))
  await expect(bob.getByRole('textbox', { name: 'Message' })).toBeDisabled()
  await expectFocus(bob.getByRole('textbox', { name: 'Message' }))
  await bob.getByRole('button', { name: 'Dial again' }).click()
  await expectDialled(bob)
  await say(bob, 'back again')
  await expectHeard(alice, 'back again')
})

test('the chat goes on when the direct path is taken away', async ({ browserKinds, demoUrl, openPage, udp }) => {
  const alice = await openPage({ url: demoUrl(), kind: browserKinds[0] })
  const bob = await openPage({ url: await shareLinkOf(alice), kind: browserKinds[1] })
  test.skip(!(await speaksWebRtc(alice)) || !(await speaksWebRtc(bob)), 'a browser here has no WebRTC')
  await expectState([alice, bob], 'direct')

  await say(alice, 'hello')
  await expectHeard(bob, 'hello')
  await udp.drop()
  await say(alice, 'can you hear me?')
  await expectHeard(bob, 'can you hear me?')
  await say(bob, 'I can')
  await expectHeard(alice, 'I can')
  await expectState([alice, bob], 'relayed')
  await expect(alice.getByTestId('changes')).toContainText('direct → relayed')
  await expect(alice.locator('[data-testid=band][data-status=relayed]').last()).toHaveText('relayed')
  // What the dead path carried is not forgotten.
  await expect(alice.locator('[data-testid=closed-paths][data-kind=webrtc]')).toContainText(/closed\D*[1-9]/, linkUp)
})

test('a terminal that runs examples/chat.ts talks with the page', async ({ demoUrl, openPage, relayAddresses }) => {
  const page = await openPage({ url: demoUrl() })
  await shareLinkOf(page)
  const peerId = (await page.getByTestId('peer-id').textContent()) ?? ''
  const terminal = startExample('chat.ts', relayAddresses[0] ?? '', peerId)
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

test('the dial box says what is wrong', async ({ demoUrl, openPage, relayAddresses }) => {
  const page = await openPage({ url: demoUrl() })
  const link = await shareLinkOf(page)
  const mistake = page.getByTestId('dial-error')
  const dial = async (text: string) => {
    await page.getByLabel('PeerId or share link').fill(text)
    await page.keyboard.press('Enter')
  }

  await dial('12D3KooWnonsense')
  await expect(mistake).toContainText('“12D3KooWnonsense” is not a PeerId')
  await dial('/ip4/192.0.2.1/tcp/9090/ws')
  await expect(mistake).toContainText('names no PeerId')
  await dial(relayAddresses[0] ?? '')
  await expect(mistake).toContainText('This is the relay')
  await dial(link.replace(/p2p%2F\w+/, `p2p%2F${nobody}`).replace(/#.*/, `#dial=${nobody}`))
  await expect(mistake).toContainText('of another demo')
  await dial(link)
  await expect(mistake).toContainText('This is your own PeerId')
  await dial(nobody)
  await expect(mistake).toContainText('Nobody answered', linkUp)
  await expect(page.getByLabel('PeerId or share link')).toBeFocused()
})
