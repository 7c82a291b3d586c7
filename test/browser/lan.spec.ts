// Two devices of a network, here two browsers, at the pages of `npm start -- --lan`: page and relay over TLS at one port.
import { lanAddresses } from '../../scripts/lan/addresses.ts'
import { freshHome, type Started, startLan } from '../support/start-lan.ts'
import { expect, test } from './support/fixtures.ts'

/** A dial is bounded by 10 s, an upgrade attempt by another 10; the dev server compiles the page before. */
const linkUp = { timeout: 25_000 }

/** What a person does who goes on after the browser's warning. */
const contextOptions = { ignoreHTTPSErrors: true }

let home: Awaited<ReturnType<typeof freshHome>>
let started: Started

test.beforeAll(async () => {
  test.skip(lanAddresses().length === 0, 'this machine has no address in a network')
  home = await freshHome()
  started = await startLan(home.env)
})

test.afterAll(async () => {
  await started?.interrupt()
  await home?.remove()
})

test('two pages of the LAN link over TLS and go direct', async ({ browserKinds, openPage }) => {
  const alice = await openPage({ url: started.url, kind: browserKinds[0], contextOptions })
  await expect(alice.getByTestId('peer-id')).toHaveText(/^12D3KooW/, linkUp)
  const peerId = await alice.getByTestId('peer-id').textContent()

  const bob = await openPage({ url: `${started.url}#dial=${peerId}`, kind: browserKinds[1], contextOptions })
  for (const page of [alice, bob]) {
    await expect(page.getByTestId('link-card')).toHaveAttribute('data-state', 'direct', linkUp)
  }
  expect(await alice.evaluate(() => isSecureContext)).toBe(true)
})
