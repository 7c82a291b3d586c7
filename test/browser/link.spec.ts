// What a link is for, between two real browsers over a real relay: first the relay, then WebRTC, and the relay again when
// the network takes that away. UDP is dropped by the network of the test, nothing in the page is stubbed.
import type { Page, TestInfo } from '@playwright/test'
import type { CreateNodeInit } from '../../src/index.browser.ts'
import { expect, type PageOptions, test } from './support/fixtures.ts'
import type {} from './support/page/globals.ts'
import type { Seen } from './support/page/person.ts'

declare global {
  /** Every `RTCPeerConnection` this page made, where the test asked for it. */
  var peerConnections: RTCPeerConnection[]
}

/** From the dial to the answer to the first message: what people take for at once. */
const FIRST_MESSAGE_MS = 500

/** An upgrade attempt is bounded by this, and so is what follows from it. */
const UPGRADE_MS = 10_000

const TRANSFER_BYTES = 20_000_000

/** Suspicion comes after one RTO, some 200 ms here, and the standby is there: people should not notice. */
const GAP_MS = 1_000

const noWebRTC = 'a browser here has no WebRTC'

type OpenPage = (options?: PageOptions) => Promise<Page>
type Kinds = [PageOptions['kind'], PageOptions['kind']]

/** Starts a node in each of two pages; the first one is going to dial. */
async function startPair(
  openPage: OpenPage,
  [first, second]: Kinds,
  { initScript, ...init }: CreateNodeInit & Pick<PageOptions, 'initScript'> = {}
): Promise<[Page, Page]> {
  const pages = await Promise.all([openPage({ kind: first, initScript }), openPage({ kind: second, initScript })])
  for (const page of pages) {
    await page.evaluate(async (init) => {
      globalThis.person = await Person.start({ relays, stunServers: stunUrl === '' ? [] : [stunUrl], ...init })
    }, init)
  }
  return pages
}

const peerIdOf = (page: Page) => page.evaluate(() => person.peerId)

const dial = async (from: Page, to: Page, text: string) =>
  from.evaluate(([peerId, text]) => person.dial(peerId, text), [await peerIdOf(to), text] as const)

const statusOf = (page: Page) => page.evaluate(() => person.link.state.status)

const whenDirect = (page: Page) =>
  page.evaluate((ms) => person.link.whenDirect({ signal: AbortSignal.timeout(ms) }), 2 * UPGRADE_MS)

const speaksWebRTC = (page: Page) => page.evaluate(() => 'RTCPeerConnection' in globalThis)

const seenBy = (page: Page): Promise<Seen[]> => page.evaluate(() => person.seen)

/** How often this side moved to another path: it began to watch when it had its first one. */
const changes = (seen: readonly Seen[]) => seen.filter(({ what }) => what.includes(' taken: ')).length

/** What happened on both sides, for whoever has to find out why a test failed. */
async function attachSeen(info: TestInfo, pages: readonly Page[], since: number): Promise<void> {
  for (const [i, page] of pages.entries()) {
    const lines = (await seenBy(page)).map(({ at, what }) => `${at - since} ms ${what}`)
    await info.attach(`seen by ${'ab'[i]}`, { body: lines.join('\n') })
  }
}

function print(info: TestInfo, figures: Record<string, string | number>): void {
  const text = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  console.log(`    [${info.project.name}] ${text.join(', ')}`)
}

test('the first message comes over the relay, then the link is direct', async ({ browserKinds, openPage }, info) => {
  const [a, b] = await startPair(openPage, browserKinds)
  test.skip(!(await speaksWebRTC(a)) || !(await speaksWebRTC(b)), noWebRTC)

  const { dialledAt, linkMs, answerMs } = await dial(a, b, 'first')
  const [first] = await b.evaluate(() => person.heard)
  expect(first).toMatchObject({ text: 'first', status: 'relayed' })
  expect(answerMs).toBeLessThan(FIRST_MESSAGE_MS)

  await Promise.all([whenDirect(a), whenDirect(b)])
  const [seenByA, seenByB] = [await seenBy(a), await seenBy(b)]
  const directAt = seenByA.find(({ what }) => what.startsWith('direct'))?.at ?? Number.NaN
  for (const seen of [seenByA, seenByB]) {
    expect(seen.map(({ what }) => what.split(/[: ]/)[0])).toEqual(expect.arrayContaining(['relayed', 'direct']))
    expect(changes(seen)).toBe(1)
  }
  const roundTripMs = await a.evaluate(() => person.say('second'))
  expect(await a.evaluate(() => person.link.paths.map(({ kind, role }) => `${kind} ${role}`).sort())).toEqual([
    'relayed standby',
    'webrtc active'
  ])
  print(info, {
    'link ms': Math.round(linkMs),
    'first message ms': (first?.at ?? Number.NaN) - dialledAt,
    'its answer ms': Math.round(answerMs),
    'direct ms': directAt - dialledAt,
    'round trip then ms': roundTripMs.toFixed(1),
    'path changes': changes(seenByA)
  })
})

test('without UDP the link stays relayed, and failed attempts leave nothing behind', async ({
  browserKinds,
  openPage,
  udp
}, info) => {
  // Counted, not changed. Jitter at its upper end makes the backoff visible.
  const initScript = (): void => {
    globalThis.peerConnections = []
    globalThis.RTCPeerConnection &&= class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration)
        peerConnections.push(this)
      }
    }
    Math.random = () => 0.999
  }
  const [a, b] = await startPair(openPage, browserKinds, { initScript, upgradeTimeoutMs: 1_000 })
  test.skip(!(await speaksWebRTC(a)) || !(await speaksWebRTC(b)), noWebRTC)
  await udp.drop()

  const { answerMs } = await dial(a, b, 'first')
  expect(answerMs).toBeLessThan(FIRST_MESSAGE_MS)

  const backoffs = () =>
    a.evaluate(() =>
      person.states.flatMap(({ at, state }) => {
        if (state.status !== 'relayed' || state.upgrade.status !== 'backoff') return []
        return Math.round((state.upgrade.retryAt - at) / 100) / 10
      })
    )
  await expect.poll(backoffs, { timeout: 20_000 }).toEqual([1, 2, 4])

  const count = async (page: Page) => ({
    connections: await page.evaluate(() => person.connections.length),
    peerConnections: await page.evaluate(
      () => peerConnections.filter(({ connectionState }) => connectionState !== 'closed').length
    )
  })
  // The relay, the carrier over it, and the durable one.
  const idle = { connections: 3, peerConnections: 0 }
  const counted: string[] = []
  let slowestMs = 0
  for (let attempt = 1; attempt <= 10; attempt++) {
    const { name, ms } = await a.evaluate(async () => {
      const start = performance.now()
      const name = await person.link.upgrade().then(
        () => 'none',
        (err: Error) => err.name
      )
      return { name, ms: performance.now() - start }
    })
    expect(name).toBe('UpgradeFailedError')
    slowestMs = Math.max(slowestMs, ms)
    await a.evaluate((text) => person.say(text), `after attempt ${attempt}`)
    for (const page of [a, b]) {
      expect(await statusOf(page)).toBe('relayed')
      // A browser may tell the page a little later that a peer connection has closed.
      await expect.poll(() => count(page), { timeout: 1_000 }).toEqual(idle)
      counted.push(`${(await count(page)).connections}`)
    }
  }
  expect(slowestMs).toBeLessThan(2_000)
  const made = await Promise.all([a, b].map((page) => page.evaluate(() => peerConnections.length)))
  for (const count of made) expect(count, 'attempts made without a peer connection are none').toBeGreaterThan(10)
  print(info, {
    'first answer ms': Math.round(answerMs),
    'slowest attempt ms': Math.round(slowestMs),
    'connections after each attempt, both sides': counted.join(' '),
    'peer connections made': made.join(' and '),
    'left open': 0
  })
})

/** How the direct path is lost in the middle of a transfer. */
const losses: Record<string, (page: Page, dropUdp: () => Promise<void>) => Promise<void>> = {
  'UDP stops passing': (_page, dropUdp) => dropUdp(),
  'its carrier is closed': async (page) => expect(await page.evaluate(() => person.abortWebRTC())).toBe(1)
}

for (const [loss, takeAway] of Object.entries(losses)) {
  test(`a transfer loses nothing when ${loss}, and the link is direct again`, async ({
    browserKinds,
    openPage,
    udp
  }, info) => {
    const [a, b] = await startPair(openPage, browserKinds)
    test.skip(!(await speaksWebRTC(a)) || !(await speaksWebRTC(b)), noWebRTC)
    await dial(a, b, 'first')
    await Promise.all([whenDirect(a), whenDirect(b)])

    const sending = a.evaluate((bytes) => person.send(bytes), TRANSFER_BYTES)
    await b.waitForFunction((bytes) => person.receivedBytes > bytes, TRANSFER_BYTES / 10)
    const lostAt = Date.now()
    await takeAway(a, udp.drop)
    const arrived = await b.evaluate(() => person.receivedBytes)
    const sent = await sending
    const received = await b.evaluate(() => person.received)
    await attachSeen(info, [a, b], lostAt)
    expect(arrived, 'the path has to be lost while the transfer runs').toBeLessThan(TRANSFER_BYTES)
    expect(received).toMatchObject({ ...sent })
    expect(received.longestGapMs).toBeLessThan(GAP_MS)

    await udp.restore()
    const restoredAt = Date.now()
    await Promise.all([whenDirect(a), whenDirect(b)])
    for (const page of [a, b]) {
      const states = (await seenBy(page)).flatMap(({ at, what }) => {
        const [state = ''] = what.split(':')
        return ['relayed', 'direct'].includes(state) ? { at, state } : []
      })
      // It may be relayed when the path is lost: real ones stall for a moment now and then.
      const since = states.findLastIndex(({ at }) => at < lostAt)
      const after = states.slice(since).map(({ state }) => state)
      expect(after.slice(-2)).toEqual(['relayed', 'direct'])
    }
    const seen = await seenBy(a)
    const directAt = seen.findLast(({ what }) => what.startsWith('direct'))?.at ?? Number.NaN
    print(info, {
      sent: sent.bytes,
      received: received.bytes,
      lost: sent.bytes - received.bytes,
      'sha-256 there': sent.sha256.slice(0, 16),
      'and here': received.sha256.slice(0, 16),
      'transfer ms': Math.round(received.ms),
      'arrived before the loss': arrived,
      'longest gap ms': Math.round(received.longestGapMs),
      'direct again ms': loss === 'UDP stops passing' ? directAt - restoredAt : directAt - lostAt,
      'path changes': changes(seen)
    })
  })
}
