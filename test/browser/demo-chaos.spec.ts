// The chaos drawer of the demo page: what it takes away is gone, what was sent is not.
import type { Page } from '@playwright/test'
import { expectState } from './support/demo.ts'
import { expect, test } from './support/demo-pair.ts'

/** A dial is bounded by 10 s, an upgrade attempt by another 10. */
const comesBack = { timeout: 20_000 }

const openDrawer = (page: Page): Promise<void> => page.getByText('Chaos: break paths').click()

const figure = async (page: Page, name: string): Promise<number> =>
  Number((await page.getByTestId(name).textContent())?.replaceAll(',', ''))

/** The newest observation is of this action, and a message sent after it was seen by the other side. */
async function expectFlow(page: Page, action: string): Promise<number> {
  const observation = page.getByTestId('observation').first()
  await expect(observation).toContainText(action)
  await expect(observation.getByTestId('flow')).toHaveAttribute('data-flowed', 'true', comesBack)
  return Number(/^(\d+) ms until/.exec((await observation.getByTestId('flow').textContent()) ?? '')?.[1])
}

/** Quiet: everything sent has arrived, in order, once, unchanged. */
async function expectNothingLost(page: Page): Promise<void> {
  await page.getByLabel('Pause the messages').check()
  await expect(page.getByTestId('ledger-in-flight')).toHaveText('0')
  await expect(page.getByTestId('bytes-lost')).toHaveText('0')
  await expect(page.getByTestId('ledger-verdict')).toHaveText(
    'Repeated: 0, out of order: 0. The digests of both ends are equal.'
  )
  expect(await figure(page, 'ledger-arrived')).toBe(await figure(page, 'ledger-sent'))
  expect(await figure(page, 'ledger-sent')).toBeGreaterThan(0)
  await page.getByLabel('Pause the messages').uncheck()
}

/** The counter is fed by messages that really go. */
async function expectPulse(page: Page): Promise<void> {
  const before = await figure(page, 'ledger-arrived')
  await expect.poll(() => figure(page, 'ledger-arrived')).toBeGreaterThan(before + 10_000)
}

const hasPath = (page: Page, kind: string) => page.locator(`[data-testid=path][data-kind=${kind}]`)

test('the direct path is dropped and forbidden, and no byte is lost', async ({
  linked: { alice, bob, pages, hasWebRtc }
}) => {
  test.skip(!hasWebRtc, 'a browser here has no WebRTC')
  await openDrawer(alice)
  await openDrawer(bob)
  await expectPulse(alice)
  await expectPulse(bob)

  await alice.getByRole('button', { name: 'Drop the direct path' }).click()
  const droppedMs = await expectFlow(alice, 'Drop the direct path')
  await expect(alice.getByTestId('observation').first()).toContainText('direct → relayed')
  await expectState(pages, 'direct')
  await expectNothingLost(alice)
  await expectNothingLost(bob)

  await bob.getByLabel('Forbid direct paths').check()
  const forbiddenMs = await expectFlow(bob, 'Forbid direct paths')
  await expectState(pages, 'relayed')
  await expect(hasPath(bob, 'webrtc')).toHaveCount(0)
  // Neither side looks for one any more: the one may not, the other is refused.
  await expect(bob.getByTestId('link-card')).toHaveAttribute('data-upgrade', 'never')
  await expect(alice.getByTestId('link-card')).toHaveAttribute('data-upgrade', /^(idle|backoff)$/, comesBack)
  await expectNothingLost(bob)
  await expectState(pages, 'relayed')

  await bob.getByLabel('Forbid direct paths').uncheck()
  await expectState(pages, 'direct')
  await expectNothingLost(alice)
  await expectNothingLost(bob)
  console.info(
    `data flowed ${droppedMs} ms after the direct path was dropped, ${forbiddenMs} ms after it was forbidden`
  )
})

test('the relay is dropped, direct or not, and no byte is lost', async ({ linked: { alice, pages } }) => {
  await openDrawer(alice)
  await expectPulse(alice)
  await alice.getByRole('button', { name: 'Drop the relay' }).click()
  const directMs = await expectFlow(alice, 'Drop the relay')
  await expectNothingLost(alice)
  await expect(alice.getByText('Others can dial you'), 'the relay takes it in again').toBeVisible(comesBack)

  await alice.getByLabel('Forbid direct paths').check()
  await expectFlow(alice, 'Forbid direct paths')
  await expectState(pages, 'relayed')
  await alice.getByRole('button', { name: 'Drop the relay' }).click()
  const relayedMs = await expectFlow(alice, 'Drop the relay')
  await expectNothingLost(alice)
  await expectPulse(alice)
  console.info(
    `data flowed ${directMs} ms after the relay was dropped under a direct path, ${relayedMs} ms without one`
  )
})
