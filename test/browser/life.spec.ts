// The life of a page: reloads, tabs, leaving, the back/forward cache, sleep, and other networks. All of it happens to real
// pages; where a browser cannot be made to do a thing, the test says what it does instead.
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page, TestInfo } from '@playwright/test'
import type { CreateNodeInit } from '../../src/index.browser.ts'
import { expect, type PageOptions, test } from './support/fixtures.ts'
import type {} from './support/page/globals.ts'

type OpenPage = (options?: PageOptions) => Promise<Page>

/** Another origin, to navigate to. */
let elsewhere: string
const server = createServer((_request, response) => {
  response.setHeader('content-type', 'text/html')
  response.end('<!doctype html><title>Elsewhere</title><h1>Elsewhere</h1>')
})

test.beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})

test.afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const begin = (page: Page, init: CreateNodeInit = {}) =>
  page.evaluate(async (init) => {
    globalThis.person = await Person.start({ relays, stunServers: stunUrl === '' ? [] : [stunUrl], ...init })
    const { kept, note } = person.node.services.page.identity
    return { peerId: person.peerId, kept, note }
  }, init)

async function startPage(openPage: OpenPage, options: PageOptions, init?: CreateNodeInit): Promise<Page> {
  const page = await openPage(options)
  await begin(page, init)
  return page
}

const dial = async (from: Page, to: Page, text = 'hello') =>
  from.evaluate(([peerId, text]) => person.dial(peerId, text), [await to.evaluate(() => person.peerId), text] as const)

const whenDirect = (page: Page) => page.evaluate(() => person.link.whenDirect({ signal: AbortSignal.timeout(20_000) }))

const speaksWebRTC = (page: Page) => page.evaluate(() => 'RTCPeerConnection' in globalThis)

/** The first state of this page's links after `since` that is one of these, waited for. */
async function stateSince(
  page: Page,
  statuses: string[],
  since: number
): Promise<{ at: number; status: string; reason: string }> {
  const found = await page.waitForFunction(
    ([statuses, since]) => {
      const seen = person.states.find(({ at, state }) => at >= since && statuses.includes(state.status))
      if (seen == null) return undefined
      const { at, state } = seen
      return { at, status: state.status, reason: state.status === 'closed' ? (state.reason?.message ?? '') : '' }
    },
    [statuses, since] as const,
    { timeout: 20_000 }
  )
  return (await found.jsonValue()) as { at: number; status: string; reason: string }
}

function print(info: TestInfo, figures: Record<string, string | number>): void {
  const text = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  console.log(`    [${info.project.name}] ${text.join(', ')}`)
}

const ready = (page: Page) => page.waitForFunction('globalThis.ready === true')

test.describe('the identity of a page', () => {
  test('is kept across reloads, and another one each time where that is asked for', async ({ openPage }) => {
    const page = await openPage()
    const first = await begin(page)
    expect(first).toMatchObject({ kept: true, note: undefined })
    await page.reload()
    await ready(page)
    expect(await begin(page)).toEqual(first)
    await page.reload()
    await ready(page)
    const other = await begin(page, { identity: 'ephemeral' })
    expect(other.kept).toBe(false)
    expect(other.peerId).not.toBe(first.peerId)
  })

  test('is never that of another live tab: a second one gets its own, says so, and keeps it', async ({ openPage }) => {
    const first = await openPage()
    const second = await openPage({ context: first.context() })
    const [ofFirst, ofSecond] = [await begin(first), await begin(second)]
    expect(ofSecond.peerId).not.toBe(ofFirst.peerId)
    expect(ofSecond.kept).toBe(true)
    expect(ofSecond.note).toContain('Another tab')
    await second.reload()
    await ready(second)
    expect(await begin(second)).toEqual(ofSecond)

    await first.close()
    const third = await openPage({ context: second.context() })
    expect(await begin(third)).toEqual(ofFirst)
  })

  test('is free again when the node has stopped', async ({ openPage }) => {
    const first = await openPage()
    const ofFirst = await begin(first)
    await first.evaluate(() => person.node.stop())
    const second = await openPage({ context: first.context() })
    expect(await begin(second)).toEqual(ofFirst)
  })
})

/** How people leave a page, and whether it may come back from the back/forward cache. */
const departures: Record<string, (page: Page) => Promise<unknown>> = {
  'closes it': (page) => page.close({ runBeforeUnload: true }),
  'reloads it': (page) => page.reload(),
  'goes elsewhere': (page) => page.goto(elsewhere)
}

for (const [way, depart] of Object.entries(departures)) {
  for (const upgrade of ['auto', 'never'] as const) {
    test(`whoever leaves a page (${way}) is known to have left in under 1 s, ${upgrade === 'auto' ? 'direct' : 'relayed'}`, async ({
      browserKinds,
      openPage
    }, info) => {
      const a = await startPage(openPage, { kind: browserKinds[0] }, { upgrade })
      const b = await startPage(openPage, { kind: browserKinds[1] }, { upgrade })
      await dial(a, b)
      if (upgrade === 'auto') {
        test.skip(!(await speaksWebRTC(a)) || !(await speaksWebRTC(b)), 'a browser here has no WebRTC')
        await Promise.all([whenDirect(a), whenDirect(b)])
      }
      await a.evaluate(() => {
        addEventListener('pagehide', ({ persisted }) => {
          localStorage.setItem('left', JSON.stringify({ at: Date.now(), persisted }))
        })
      })
      const same = await a.context().newPage()
      await same.goto(a.url())
      const since = Date.now()
      await depart(a)
      const noticed = await stateSince(b, ['closed', 'recovering'], since)
      const left = await same.evaluate(() => JSON.parse(localStorage.getItem('left') ?? '{}'))
      // A page that may come back is waited for. Firefox closes WebSockets before it says `pagehide`, when it reloads or
      // navigates: what was said there goes nowhere, and the peer only knows that nobody answers.
      const mayBeUnheard = browserKinds[0] === 'firefox'
      if (left.persisted || mayBeUnheard) expect(['closed', 'recovering']).toContain(noticed.status)
      else expect(noticed.status).toBe('closed')
      if (noticed.status === 'closed') expect(noticed.reason).toContain('The peer left')
      print(info, {
        way,
        upgrade,
        persisted: left.persisted,
        state: noticed.status,
        'noticed after ms': noticed.at - left.at
      })
      expect(noticed.at - left.at).toBeLessThan(1_000)
    })
  }
}

for (const upgrade of ['auto', 'never'] as const) {
  test(`a page that went into the back/forward cache goes on with nothing lost, ${upgrade === 'auto' ? 'direct' : 'relayed'}`, async ({
    browserKinds,
    launch,
    openPage
  }, info) => {
    const [kind, other] = browserKinds
    // Playwright turns the cache off.
    const browser =
      kind === 'chromium' ? await launch(kind, { ignoreDefaultArgs: ['--disable-back-forward-cache'] }) : undefined
    const a = await startPage(openPage, { kind, browser }, { upgrade })
    const b = await startPage(openPage, { kind: other }, { upgrade })
    test.skip(!(await speaksWebRTC(a)) || !(await speaksWebRTC(b)), 'a browser here has no WebRTC')
    await dial(a, b)
    if (upgrade === 'auto') await Promise.all([whenDirect(a), whenDirect(b)])
    await a.evaluate(() => {
      Object.assign(globalThis, { sameDocument: true })
      addEventListener('pageshow', ({ persisted }) => Object.assign(globalThis, { persisted }))
    })
    // Written before, while and after the page is away.
    const sending = b.evaluate(() => person.send(8_000_000))
    await a.waitForFunction(() => person.receivedBytes > 500_000)
    const since = Date.now()
    if (kind === 'chromium') {
      await a.goto(elsewhere)
      await stateSince(b, ['recovering'], since)
      await a.goBack({ waitUntil: 'commit' })
    } else {
      // Firefox keeps no page that has had connections: it gets the events, and everything that follows from them.
      await a.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
      await stateSince(b, ['recovering'], since)
      await a.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
    }
    const backAt = Date.now()
    await a.waitForFunction(() => 'persisted' in globalThis)
    expect(
      await a.evaluate(() => ({ ...globalThis }) as { persisted?: boolean; sameDocument?: boolean })
    ).toMatchObject({ persisted: true, sameDocument: true })
    const again = await stateSince(b, ['relayed', 'direct'], backAt)
    expect(await a.evaluate(() => person.received)).toMatchObject({ ...(await sending) })
    // Both ways, on the stream that was there before.
    await a.evaluate(() => person.say('still here'))
    for (const page of [a, b]) {
      const statuses = await page.evaluate(() => person.states.map(({ state }) => state.status))
      expect(statuses).not.toContain('closed')
    }
    if (upgrade === 'auto') await Promise.all([whenDirect(a), whenDirect(b)])
    print(info, { upgrade, 'away until ms': backAt - since, 'back after ms': again.at - backAt })
    expect(again.at - backAt).toBeLessThan(2_000)
  })
}

test('whoever reloads is there again in under 2 s, dialled or dialling, and the link before is over', async ({
  browserKinds,
  openPage
}, info) => {
  const a = await startPage(openPage, { kind: browserKinds[0] })
  const b = await startPage(openPage, { kind: browserKinds[1] })
  await dial(a, b)
  for (const who of ['dialling', 'dialled'] as const) {
    await b.evaluate(() => Object.assign(globalThis, { before: person.link }))
    const since = Date.now()
    await a.reload()
    await ready(a)
    await begin(a)
    const upAt = Date.now()
    if (who === 'dialling') await dial(a, b, who)
    else await dial(b, a, who)
    const doneAt = Date.now()
    const { status, isNew } = await b.evaluate(() => {
      const { before } = globalThis as unknown as { before: typeof person.link }
      return { status: before.state.status, isNew: person.node.services.links.get(person.link.remotePeer) !== before }
    })
    expect({ status, isNew }).toEqual({ status: 'closed', isNew: true })
    print(info, { who, 'reload to node ms': upAt - since, 'to first answer ms': doneAt - upAt })
    expect(doneAt - upAt).toBeLessThan(2_000)
  }
})

test('after a network change paths are probed at once, and a dead one is left', async ({
  browserKinds,
  openPage,
  udp
}, info) => {
  const a = await startPage(openPage, { kind: browserKinds[0] })
  const b = await startPage(openPage, { kind: browserKinds[1] })
  test.skip(!(await speaksWebRTC(a)) || !(await speaksWebRTC(b)), 'a browser here has no WebRTC')
  await dial(a, b)
  await Promise.all([whenDirect(a), whenDirect(b)])
  await udp.drop()
  const since = Date.now()
  await a.evaluate(() => dispatchEvent(new Event('online')))
  const relayed = await stateSince(a, ['relayed'], since)
  // An idle path that nobody suspects is given 15 s.
  expect(relayed.at - since).toBeLessThan(5_000)
  await a.evaluate(() => person.say('over the relay'))
  await udp.restore()
  await Promise.all([whenDirect(a), whenDirect(b)])
  print(info, { 'relayed after ms': relayed.at - since })
})

test('a computer that slept for 12 s goes on where it was', async ({ browserKinds, launch, openPage }, info) => {
  test.skip(process.platform !== 'linux', 'processes are stopped by their tree in /proc')
  const [kind, other] = browserKinds
  const browser = await launch(kind)
  const a = await startPage(openPage, { kind, browser })
  const b = await startPage(openPage, { kind: other })
  await dial(a, b)
  const sending = b.evaluate(() => person.send(40_000_000))
  await a.waitForFunction(() => person.receivedBytes > 500_000)
  const pids = processesOf(kind)
  const since = Date.now()
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  try {
    await stateSince(b, ['recovering'], since)
    await b.waitForFunction((until) => Date.now() >= until, since + 12_000)
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
  const wokenAt = Date.now()
  const again = await stateSince(b, ['relayed', 'direct'], wokenAt)
  expect(await a.evaluate(() => person.received)).toMatchObject({ ...(await sending) })
  await a.evaluate(() => person.say('awake'))
  for (const page of [a, b]) {
    expect(await page.evaluate(() => person.states.map(({ state }) => state.status))).not.toContain('closed')
  }
  print(info, { 'awake to flowing ms': again.at - wokenAt })
})

/** The newest browser of this kind that runs here, with everything it started. */
function processesOf(kind: string): number[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid=,comm='], { encoding: 'utf8' })
  const all = stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, ppid, ...command] = line.trim().split(/\s+/)
      return { pid: Number(pid), ppid: Number(ppid), command: command.join(' ') }
    })
  const roots = all.filter(
    ({ command, ppid }) =>
      command.includes(kind.slice(0, 7)) &&
      all.every(({ pid, command }) => pid !== ppid || !command.includes(kind.slice(0, 7)))
  )
  const root = roots.sort((x, y) => y.pid - x.pid)[0]
  if (root == null) throw new Error(`no process of ${kind} is running`)
  const found = [root.pid]
  for (const pid of found) found.push(...all.filter(({ ppid }) => ppid === pid).map(({ pid }) => pid))
  return found
}
