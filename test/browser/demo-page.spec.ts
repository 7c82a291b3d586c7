// What the page says when something is missing, and that everybody can use it: by keyboard, by ear, on a phone.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Readable } from 'node:stream'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import decodeQR from 'qr/decode.js'
import { startRelay } from '../support/relay.ts'
import { expect, expectDialled, expectHeard, expectState, linkUp, say, shareLinkOf, test } from './support/demo.ts'
import type { BrowserKind } from './support/launch.ts'

const phone = { viewport: { width: 360, height: 740 } }

/** What browsers say on the console by themselves when a WebSocket does not open. */
const noWebSocket = /WebSocket|ERR_CONNECTION_REFUSED|establish a connection/

/** What takes one page only need not be repeated in pairs of different browsers. */
function skipMixed([first, second]: readonly BrowserKind[]): void {
  test.skip(first !== second, `one page only: the project ${first} runs it`)
}

async function expectAccessible(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  const found = grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  expect(found, state).toEqual([])
}

/** Links inside sentences may be smaller (WCAG 2.5.8); ours stand alone. */
async function expectLargeTargets(page: Page): Promise<void> {
  const small = await page.locator('button, input, summary, a').evaluateAll((targets) =>
    targets.flatMap((target) => {
      // A box and its label are one target.
      const { width, height } = (target.closest('label') ?? target).getBoundingClientRect()
      return width === 0 || (width >= 44 && height >= 44)
        ? []
        : [`${Math.round(width)}x${Math.round(height)} ${target.outerHTML}`]
    })
  )
  expect(small).toEqual([])
}

/** Stock Firefox takes no such wishes from its driver, but from its preferences. */
const darkFirefox = {
  firefoxUserPrefs: { 'layout.css.prefers-color-scheme.content-override': 0, 'ui.prefersReducedMotion': 1 }
}

test('everybody can use it: axe, phones, keyboard, live region, light and dark', async ({
  browserKinds,
  demoUrl,
  launch,
  openPage
}) => {
  const [kind] = browserKinds
  const alice = await openPage({
    url: demoUrl(),
    kind,
    ...(kind === 'firefox'
      ? { browser: await launch(kind, darkFirefox) }
      : { contextOptions: { colorScheme: 'dark', reducedMotion: 'reduce' } })
  })
  const link = await shareLinkOf(alice)
  expect(await alice.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches)).toBe(true)
  await expectAccessible(alice, 'empty')
  const bob = await openPage({ url: link, kind: browserKinds[1], contextOptions: phone })
  await expectDialled(bob)
  await say(bob, 'hello')
  await expectHeard(alice, 'hello')
  for (const page of [alice, bob]) {
    for (const summary of await page.locator('summary').all()) await summary.click()
  }
  await alice.getByLabel('PeerId or share link').fill('nonsense')
  await alice.keyboard.press('Enter')
  await expect(alice.getByTestId('dial-error')).toContainText('not a PeerId')
  await expectAccessible(alice, 'linked, with a mistake, dark')
  await expectAccessible(bob, 'linked, on a phone, light')
  await expectLargeTargets(bob)
  expect(await bob.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  await expect(alice.getByRole('button', { name: 'Dial', exact: true })).toHaveCSS('transition-duration', '0s')

  // By keyboard alone: from the dial box to the message box, and what is in focus shows it.
  await alice.bringToFront()
  await alice.getByLabel('PeerId or share link').focus()
  const message = alice.getByRole('textbox', { name: 'Message' })
  await expect(async () => {
    await alice.keyboard.press('Tab')
    await expect(message).toBeFocused({ timeout: 1 })
  }).toPass({ intervals: [0], ...linkUp })
  await expect(message).toHaveCSS('outline-style', 'solid')
  await expect(message).toHaveCSS('outline-width', '3px')
})

test('the QR code and the copy buttons give the share link', async ({ browserKinds, demoUrl, openPage }) => {
  skipMixed(browserKinds)
  const page = await openPage({ url: demoUrl() })
  const link = await shareLinkOf(page)
  const code = page.getByRole('img', { name: 'QR code of the share link' })
  const size = Number((await code.getAttribute('viewBox'))?.split(' ')[2])
  const path = (await code.locator('path').getAttribute('d')) ?? ''
  expect(decodeQR(picture(size, path))).toBe(link)

  // Firefox lets no test read the clipboard.
  if (browserKinds[0] !== 'chromium') return
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  for (const [name, wanted] of [
    ['Copy your PeerId', await page.getByTestId('peer-id').textContent()],
    ['Copy the share link', link]
  ] as const) {
    await page.getByRole('button', { name }).click()
    await expect(page.getByRole('button', { name: name.replace('Copy', 'Copied') })).toBeVisible()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(wanted)
  }
})

/** As a camera sees it: four pixels a module. */
function picture(size: number, path: string) {
  const scale = 4
  const width = size * scale
  const data = new Uint8ClampedArray(width * width * 4).fill(255)
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)/g)) {
    for (let i = 0; i < scale * scale; i++) {
      const at = (Number(y) * scale + Math.floor(i / scale)) * width + Number(x) * scale + (i % scale)
      data.fill(0, at * 4, at * 4 + 3)
    }
  }
  return { width, height: width, data }
}

test('a second tab of the same browser says that it is somebody else', async ({ browserKinds, demoUrl, openPage }) => {
  skipMixed(browserKinds)
  const first = await openPage({ url: demoUrl() })
  await shareLinkOf(first)
  await expect(first.getByTestId('identity')).toContainText('the same after a reload')
  const second = await openPage({ url: demoUrl(), context: first.context() })
  await shareLinkOf(second)
  await expect(second.getByTestId('identity')).toContainText('Another tab')
  expect(await second.getByTestId('peer-id').textContent()).not.toBe(await first.getByTestId('peer-id').textContent())
})

test('a page without a relay says what to do, and tries again when asked', async ({
  allowErrors,
  browserKinds,
  demoUrl,
  openPage
}) => {
  skipMixed(browserKinds)
  allowErrors(noWebSocket)
  const none = await openPage({ url: demoUrl({ relays: [] }) })
  await expect(none.getByRole('alert')).toContainText('No relay is named')
  await expect(none.getByRole('alert')).toContainText('npm start')

  const relay = await startRelay()
  try {
    await relay.kill()
    const page = await openPage({ url: demoUrl({ relays: relay.multiaddrs }) })
    await expect(page.getByRole('alert')).toContainText('No relay answers', linkUp)
    await expectAccessible(page, 'no relay')
    await relay.restart()
    await page.getByRole('button', { name: 'Try again' }).click()
    await shareLinkOf(page)
  } finally {
    await relay.stop()
  }
})

test('over http at an address of the LAN it says how to get https', async ({ browserKinds, demoServer, openPage }) => {
  skipMixed(browserKinds)
  const lan = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  test.skip(lan == null, 'this machine has no other address than its own')
  const server = createServer(async ({ url }, response) => {
    const found = await fetch(new URL(url ?? '/', demoServer))
    response.setHeader('content-type', found.headers.get('content-type') ?? '')
    Readable.fromWeb(found.body as never).pipe(response)
  }).listen(0, '0.0.0.0')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const page = await openPage({ url: `http://${lan?.address}:${port}/` })
    await expect(page.getByRole('alert')).toContainText('npm start -- --lan')
    await expectAccessible(page, 'insecure')
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a browser without WebRTC stays relayed, and the relay shows what it leaves', async ({
  allowErrors,
  browserKinds,
  demoUrl,
  openPage
}) => {
  // At the end the relay goes before the pages do.
  allowErrors(noWebSocket)
  const relay = await startRelay({ limitBytes: 1_000_000, limitSeconds: 300 })
  try {
    const url = demoUrl({ relays: relay.multiaddrs })
    const initScript = (): void => {
      Reflect.deleteProperty(globalThis, 'RTCPeerConnection')
    }
    const alice = await openPage({ url, kind: browserKinds[0], initScript })
    await expect(alice.getByTestId('no-webrtc')).toContainText('links stay relayed')
    const bob = await openPage({ url: await shareLinkOf(alice), kind: browserKinds[1] })
    await expectDialled(bob)
    await say(bob, 'x'.repeat(4_000))
    await expectHeard(alice, 'x'.repeat(4_000))
    await expectState([alice, bob], 'relayed')
    await expect(alice.getByTestId('link-state')).toContainText('no direct path')
    for (const page of [alice, bob]) {
      const bytes = page.getByRole('meter', { name: 'Bytes: ' })
      const read = () => bytes.evaluate(({ value, max }: HTMLMeterElement) => ({ left: value / max, max }))
      // The handshake is over when the page first looks, and what was said after it has been counted.
      expect((await read()).max).toBeGreaterThan(980_000)
      expect((await read()).max).toBeLessThan(1_000_000)
      await expect.poll(async () => (await read()).left, linkUp).toBeLessThan(1)
      expect((await read()).left).toBeGreaterThan(0.9)
      await expect(page.getByRole('meter', { name: 'Time: ' })).toHaveAccessibleName(
        /^Time: (4 min \d+ s|5 min 0 s) of/
      )
    }
    await expectAccessible(bob, 'limited')
  } finally {
    await relay.stop()
  }
})
