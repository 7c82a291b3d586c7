// A page whose process is killed says no good-bye: its peer still holds the link when the same person comes back. The new
// page's first handshake ends that link at once, and no timeout has to.
import type { Page, TestInfo } from '@playwright/test'
import { findBrowsers } from '../../scripts/browsers.ts'
import type { Link } from '../../src/index.browser.ts'
import { expect, type Fixtures, type PairOptions, test } from './support/fixtures.ts'
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

/** One that was linked and has just been killed, beside its peer. */
interface Crash {
  page: Page
  peer: Page
  peerId: string
  ownId: string
  crashedAt: number
}

type Browsers = Pick<Fixtures, 'launch' | 'openPage'> & PairOptions

async function crash(
  { browserKinds: [kind, peerKind], launch, openPage }: Browsers,
  info: TestInfo,
  upgrade: 'auto' | 'never',
  before: (peer: Page) => Promise<void>
): Promise<Crash> {
  test.skip(process.platform !== 'linux', 'processes are found by /proc')
  const mark = crypto.randomUUID()
  const stock = (await findBrowsers())[kind]?.executablePath
  const executablePath = kind === 'firefox' && stock != null ? await survivingFirefox(stock, info.outputPath()) : stock
  const browser = await launch(kind, { executablePath, env: { ...process.env, [MARK]: mark } })
  const page = await openPage({ browser })
  const peer = await openPage({ kind: peerKind })
  const peerId = await start(peer, upgrade)
  const ownId = await start(page, upgrade)
  await dial(page, peerId, 'before')
  if (upgrade === 'auto') {
    const noWebRTC = await Promise.all([page, peer].map((side) => side.evaluate(() => !('RTCPeerConnection' in self))))
    test.skip(noWebRTC.includes(true), 'a browser here has no WebRTC')
    for (const side of [page, peer]) {
      await side.evaluate((ms) => person.link.whenDirect({ signal: AbortSignal.timeout(ms) }), UPGRADE_MS)
    }
  }
  await peer.evaluate(() => {
    globalThis.linkBefore = person.link
  })
  await before(peer)

  const crashed = kind === 'chromium' ? page.waitForEvent('crash') : undefined
  const killed = killPages(mark)
  const crashedAt = Date.now()
  expect(killed.length).toBeGreaterThan(0)
  await crashed
  // Until the browser has noticed, it may give the next tab a process that is gone.
  await expect.poll(() => allProcesses().filter((pid) => killed.includes(pid))).toEqual([])
  return { page, peer, peerId, ownId, crashedAt }
}

for (const upgrade of ['auto', 'never'] as const) {
  const path = upgrade === 'auto' ? 'direct' : 'relayed'

  test(`a crashed page's ${path} link is superseded at once when the page is back`, async ({
    browserKinds,
    launch,
    openPage
  }, info) => {
    const { page, peer, peerId, ownId, crashedAt } = await crash(
      { browserKinds, launch, openPage },
      info,
      upgrade,
      async () => {}
    )
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

/** Of a link that carries something, and of one that does not. */
const NOTICED_MS = { sending: 3_000, idle: 15_000 }

for (const [upgrade, traffic] of [
  ['auto', 'sending'],
  ['auto', 'idle'],
  ['never', 'sending']
] as const) {
  const path = upgrade === 'auto' ? 'direct' : 'relayed'

  test(`a crashed page's ${path} link, ${traffic}, is recovering within ${NOTICED_MS[traffic] / 1_000} s at its peer`, async ({
    browserKinds,
    launch,
    openPage
  }, info) => {
    const { peer, crashedAt } = await crash({ browserKinds, launch, openPage }, info, upgrade, async (peer) => {
      if (traffic === 'idle') return
      await peer.evaluate(async () => {
        const stream = await person.link.connection.newStream('/holdfast-test/bulk/1.0.0')
        setInterval(() => stream.send(new Uint8Array(100)), 100)
      })
    })
    const recovering = await peer.waitForFunction(
      () => person.states.find(({ state }) => state.status === 'recovering'),
      undefined,
      { timeout: NOTICED_MS[traffic] + 5_000 }
    )
    const { at, state } = (await recovering.jsonValue())!
    print(info, { [`${path}, ${traffic}, recovering after ms`]: at - crashedAt })
    expect(at - crashedAt).toBeLessThanOrEqual(NOTICED_MS[traffic])
    expect(state).toMatchObject({ deadline: expect.any(Number) })
  })
}
