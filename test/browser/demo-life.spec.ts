// What becomes of a card when a page reloads, and when the only relay goes away for a while.
import { startRelay } from '../support/relay.ts'
import { expect, expectDialled, expectHeard, expectState, linkUp, say, shareLinkOf, test } from './support/demo.ts'

test('a reload is a blink: the same card on both sides, with what was said', async ({
  browserKinds,
  demoUrl,
  openPage
}, info) => {
  const alice = await openPage({ url: demoUrl(), kind: browserKinds[0] })
  const bob = await openPage({ url: await shareLinkOf(alice), kind: browserKinds[1] })
  await expectDialled(bob)
  await say(bob, 'before')
  await expectHeard(alice, 'before')
  await say(alice, 'likewise')
  await expectHeard(bob, 'likewise')
  const bobsId = await bob.getByTestId('peer-id').textContent()

  // Alice did not dial; her page does after the reload.
  for (const [reloading, staying] of [
    [alice, bob],
    [bob, alice]
  ] as const) {
    const begunAt = Date.now()
    await reloading.reload()
    await expect(reloading.getByTestId('link-card')).toHaveAttribute('data-state', /direct|relayed/, linkUp)
    await expect(staying.getByTestId('link-card')).toHaveAttribute('data-state', /direct|relayed/, linkUp)
    await say(reloading, `after ${begunAt}`)
    await expectHeard(staying, `after ${begunAt}`)
    console.log(`    [${info.project.name}] from the reload to the next message heard: ${Date.now() - begunAt} ms`)
    await say(staying, `welcome back ${begunAt}`)
    await expectHeard(reloading, `welcome back ${begunAt}`)
    for (const page of [reloading, staying]) {
      await expectHeard(page, 'before')
      await expectHeard(page, 'likewise')
      await expect(page.getByTestId('link-card')).toHaveCount(1)
    }
  }
  expect(await bob.getByTestId('peer-id').textContent()).toBe(bobsId)

  // Whom one has left is not dialled again.
  await bob.getByRole('button', { name: 'Close the link' }).click()
  await expectState([alice, bob], 'closed')
  await bob.reload()
  await shareLinkOf(bob)
  await expect(bob.getByTestId('no-links')).toBeVisible()
  await expectState([alice], 'closed')
})

test('while the relay is away the card counts down, and what is typed arrives after it', async ({
  allowErrors,
  browserKinds,
  demoUrl,
  openPage
}) => {
  allowErrors(/WebSocket|ERR_CONNECTION_REFUSED|establish a connection|interrupted/)
  const relay = await startRelay()
  try {
    const url = demoUrl({ relays: relay.multiaddrs, query: { upgrade: 'never' } })
    const alice = await openPage({ url, kind: browserKinds[0] })
    const bob = await openPage({ url: await shareLinkOf(alice), kind: browserKinds[1] })
    await expectDialled(bob)
    await relay.kill()
    await expectState([alice, bob], 'recovering')
    const state = bob.getByTestId('link-state')
    await expect(state).toHaveText(/^recovering: all paths are down, \d+ s left$/)
    const first = await state.textContent()
    await expect(state).not.toHaveText(first ?? '')
    await expect(bob.locator('[data-testid=band][data-status=recovering]')).toHaveText('recovering')
    await expect(bob.getByTestId('latest-cause')).toContainText('path closed')
    await expect(bob.getByTestId('reachability')).toHaveAttribute('data-reachable', 'false', linkUp)
    await say(bob, 'typed while nothing works')
    await relay.restart()
    await expectHeard(alice, 'typed while nothing works')
    await expectState([alice, bob], 'relayed')
    await expect(bob.getByTestId('reachability')).toHaveAttribute('data-reachable', 'true', linkUp)
  } finally {
    await relay.stop()
  }
})
