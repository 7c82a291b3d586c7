// A page whose process is killed says no good-bye: its peer still holds the link when the same person comes back. The new
// page's first handshake ends that link at once, and no timeout has to.
import type { Page, TestInfo } from '@playwright/test'
import { findBrowsers } from '../../scripts/browsers.ts'
import type { Link } from '../../src/index.browser.ts'
import { expect, test } from './support/fixtures.ts'
import { allProcesses, killPages, MARK, survivingFirefox } from './support/kill-pages.ts'
import type {} from './support/page/globals.ts'

declare global {
  /** The one with the page that is going to crash. */
  var linkBefore: Link
}

/** From the new page's dial to the end of the old link. */
const SUPERSEDED_MS = 2_000

const UPGRADE_MS = 20_000
const TRANSFER_BYTES = 1_000_000

const start = (page: Page, upgrade: 'auto' | 'never') =>
  page.evaluate(async (upgrade) => {
    globalThis.person = await Person.start({ relays, stunServers: stunUrl === '' ? [] : [stunUrl], upgrade })
    return person.peerId
  }, upgrade)

const dial = (page: Page, peerId: string, text: string) =>
  page.evaluate(([peerId, text]) => person.dial(peerId, text), [peerId, text] as const)

function print(info: TestInfo, figures: Record<string, string | number>): void {
  const text = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  console.log(`    [${info.project.name}] ${text.join(', ')}`)
}

for (const upgrade of ['auto', 'never'] as const) {
  const path = upgrade === 'auto' ? 'direct' : 'relayed'

  test(`a crashed page's ${path} link is superseded at once when the page is back`, async ({
    browserKinds: [kind, peerKind],
    launch,
    openPage
  }, info) => {
    test.skip(process.platform !== 'linux', 'processes are found by /proc')
    const mark = crypto.randomUUID()
    const stock = (await findBrowsers())[kind]?.executablePath
    const executablePath =
      kind === 'firefox' && stock != null ? await survivingFirefox(stock, info.outputPath()) : stock
    const browser = await launch(kind, { executablePath, env: { ...process.env, [MARK]: mark } })
    const page = await openPage({ browser })
    const peer = await openPage({ kind: peerKind })
    const peerId = await start(peer, upgrade)
    const ownId = await start(page, upgrade)
    await dial(page, peerId, 'before')
    if (upgrade === 'auto') {
      const noWebRTC = await Promise.all(
        [page, peer].map((side) => side.evaluate(() => !('RTCPeerConnection' in self)))
      )
      test.skip(noWebRTC.includes(true), 'a browser here has no WebRTC')
      for (const side of [page, peer]) {
        await side.evaluate((ms) => person.link.whenDirect({ signal: AbortSignal.timeout(ms) }), UPGRADE_MS)
      }
    }
    await peer.evaluate(() => {
      globalThis.linkBefore = person.link
    })

    const crashed = kind === 'chromium' ? page.waitForEvent('crash') : undefined
    const killed = killPages(mark)
    const crashedAt = Date.now()
    expect(killed.length).toBeGreaterThan(0)
    await crashed
    // Until the browser has noticed, it may give the next tab a process that is gone.
    await expect.poll(() => allProcesses().filter((pid) => killed.includes(pid))).toEqual([])
    const back = await openPage({ context: page.context() })
    expect(await start(back, upgrade), 'the identity has to be the one before').toBe(ownId)
    const { dialledAt, linkMs, answerMs } = await dial(back, peerId, 'after')

    await peer.waitForFunction(() => linkBefore.state.status === 'closed', undefined, { timeout: SUPERSEDED_MS })
    const old = await peer.evaluate(() => {
      const { state, history } = linkBefore
      return { reason: state.status === 'closed' ? state.reason?.name : '', history: [...history] }
    })
    const closedAt = old.history.at(-1)?.at ?? Number.NaN
    const status = old.history.at(-2)?.to
    expect(old.reason).toBe('LinkSupersededError')
    expect(closedAt - dialledAt).toBeLessThan(SUPERSEDED_MS)
    expect(answerMs).toBeLessThan(SUPERSEDED_MS)
    expect(
      await peer.evaluate(() => {
        const link = person.node.services.links.get(linkBefore.remotePeer)
        return link === person.link && link !== linkBefore && person.node.services.links.all().length === 1
      })
    ).toBe(true)

    const sent = await back.evaluate((bytes) => person.send(bytes), TRANSFER_BYTES)
    expect(await peer.evaluate(() => person.received)).toMatchObject({ ...sent })
    const returned = await dial(peer, ownId, 'from the peer')
    print(info, {
      'old link at the peer then': status ?? 'unknown',
      'new page dials ms after the crash': dialledAt - crashedAt,
      'superseded ms after the dial': closedAt - dialledAt,
      'new link ms': Math.round(linkMs),
      'its first answer ms': Math.round(answerMs),
      'and of the peer ms': Math.round(returned.answerMs),
      received: sent.bytes
    })
  })
}
