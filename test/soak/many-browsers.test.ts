// Three browsers send to one Node peer. One of them is killed in the middle: the other two notice nothing.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from '@playwright/test'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findBrowsers } from '../../scripts/browsers.ts'
import { killPages, MARK } from '../browser/support/kill-pages.ts'
import { type BrowserKind, launchBrowser } from '../browser/support/launch.ts'
import type {} from '../browser/support/page/globals.ts'
import { serve } from '../natlab/peers/agent/site.ts'
import { builtSite } from '../natlab/peers/site-build.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import type { HubProgram, Progress } from './support/browsers/hub-program.ts'
import { Program } from './support/many/program.ts'
import { amount, isFull, percentile, record } from './support/soak.ts'

const TRANSFER_BYTES = amount(8_000_000, 50_000_000)

/** The one that is killed has sent this much then. */
const KILL_AT_BYTES = TRANSFER_BYTES * 0.25

const ECHO_PAUSE_MS = 20
const DIRECT_TIMEOUT_MS = 20_000

/** Echoes and deliveries of the others, after the kill against before it. */
const MAX_RATIO = 1.5

/** Echoes take some milliseconds, and a browser that dies has the machine for a moment: the short form has too few of them. */
const SLACK_MS = amount(100, 0)

const why = await whyNot()
let relay: TestRelay
let hub: Program<HubProgram>
let hubId: string
let url: string
let folder: string
const browsers: Browser[] = []

async function whyNot(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'processes are found by /proc'
  const { chromium, firefox } = await findBrowsers()
  return chromium == null || firefox == null ? 'Chromium and Firefox are needed' : undefined
}

beforeAll(async () => {
  if (why != null) return
  folder = await mkdtemp(join(tmpdir(), 'holdfast-browsers-'))
  url = await serve(await builtSite('holdfast'))
  relay = await startRelay()
  hub = Program.start<HubProgram>(new URL('./support/browsers/hub-program.ts', import.meta.url))
  hubId = await hub.ask('start', { relays: relay.multiaddrs })
}, 60_000)

afterAll(async () => {
  await Promise.all(browsers.map((browser) => browser.close().catch(() => {})))
  await hub?.end()
  await relay?.stop()
  if (folder != null) await rm(folder, { recursive: true, force: true })
})

interface Person {
  readonly page: Page
  readonly id: string
  /** Its process is found by it. */
  readonly mark: string
}

/** In a browser of its own, with a direct path to the hub. */
async function joined(kind: BrowserKind): Promise<Person> {
  const mark = crypto.randomUUID()
  const browser = await launchBrowser(kind, { env: { ...process.env, [MARK]: mark } as Record<string, string> })
  browsers.push(browser)
  const page = await browser.newPage()
  await page.goto(url)
  await page.waitForFunction('globalThis.ready === true')
  const id = await page.evaluate(
    async ([relays, stunPort, hubId, timeoutMs]) => {
      const stunServers = [`stun:127.0.0.1:${stunPort}`]
      globalThis.person = await Person.start({ relays: [...relays], stunServers, identity: 'ephemeral' })
      await person.dial(hubId, 'first')
      await person.link.whenDirect({ signal: AbortSignal.timeout(timeoutMs) })
      return person.peerId
    },
    [relay.multiaddrs, relay.stunPort, hubId, DIRECT_TIMEOUT_MS] as const
  )
  return { page, id, mark }
}

interface Answered {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly ms: number
}

/** Sends all of it, and talks to the hub meanwhile. */
function send({ page }: Person): Promise<{ sha256: string; answers: Answered[]; states: string[] }> {
  return page.evaluate(
    async ([bytes, pauseMs]) => {
      let sending = true
      const answers: Answered[] = []
      const talk = async (): Promise<void> => {
        while (sending) {
          const at = Date.now()
          answers.push({ at, ms: await person.say(`${at}`) })
          await new Promise((resolve) => setTimeout(resolve, pauseMs))
        }
      }
      const talking = talk()
      const { sha256 } = await person.send(bytes)
      sending = false
      await talking
      return { sha256, answers, states: person.link.history.map(({ to, cause }) => `${to}: ${cause}`) }
    },
    [TRANSFER_BYTES, ECHO_PAUSE_MS] as const
  )
}

it('three browsers send to one Node peer, one is killed in the middle: the others notice nothing', async ({ skip }) => {
  if (why != null) skip(why)
  // One after the other: browsers that start have the machine for themselves.
  const people: Person[] = []
  for (const kind of ['chromium', 'firefox', 'chromium'] as const) people.push(await joined(kind))
  const killed = people[2]!
  const others = people.slice(0, 2)

  const before = await hub.ask('progress', undefined as never)
  const sending = others.map(send)
  const cut = send(killed).then(
    () => 'all was sent before the kill',
    () => 'killed'
  )
  await hub.ask('received', { peer: killed.id, bytes: KILL_AT_BYTES })
  const pids = killPages(killed.mark)
  const killedAt = Date.now()
  expect(pids.length).toBeGreaterThan(0)

  const sent = await Promise.all(sending)
  const hashes = await Promise.all(others.map(({ id }) => hub.ask('done', id)))
  const after = await hub.ask('progress', undefined as never)
  // Its page is gone: whoever asked it something would wait for as long as the browser lives.
  await browsers[2]!.close()
  expect(await cut).toBe('killed')

  const killedAtMs = killedAt - after.timeOriginMs
  const flows = others.map(({ id }) => flow(after, id, killedAtMs))
  const echoes = sent.map(({ answers }) => ({
    before: answers.filter(({ at }) => at < killedAt).map(({ ms }) => ms),
    after: answers.filter(({ at }) => at >= killedAt).map(({ ms }) => ms)
  }))
  for (const one of echoes) expect(Math.min(one.before.length, one.after.length)).toBeGreaterThan(0)
  const p99 = (when: 'before' | 'after') => Math.max(...echoes.map((one) => percentile(one[when], 0.99)))
  const megabytes = Object.values(after.samples.at(-1)?.bytes ?? {}).reduce((sum, bytes) => sum + bytes, 0) / 1e6
  record('three browsers and one Node peer, one killed while all send', {
    megabytes: Math.round(megabytes),
    chromiumMBPerS: flows[0]!.before,
    chromiumMBPerSAfter: flows[0]!.after,
    firefoxMBPerS: flows[1]!.before,
    firefoxMBPerSAfter: flows[1]!.after,
    longestPauseMs: Math.max(...flows.map(({ pauseBeforeMs }) => pauseBeforeMs)),
    longestPauseMsAfter: Math.max(...flows.map(({ pauseAfterMs }) => pauseAfterMs)),
    echoes: echoes.reduce((sum, one) => sum + one.before.length + one.after.length, 0),
    echoP99Ms: Math.round(p99('before')),
    echoP99MsAfter: Math.round(p99('after')),
    cpuMsPerMegabyte: Math.round(((after.cpuMs - before.cpuMs) / megabytes) * 10) / 10
  })
  expect(hashes).toEqual(sent.map(({ sha256 }) => sha256))
  const ids = others.map(({ id }) => id)
  expect((await hub.ask('lost', undefined as never)).filter((text) => ids.some((id) => text.startsWith(id)))).toEqual(
    []
  )
  for (const { states } of sent) expect(states.filter((text) => text.startsWith('recovering'))).toEqual([])
  expect(p99('after')).toBeLessThanOrEqual(MAX_RATIO * p99('before') + SLACK_MS)
  if (!isFull) return
  for (const { before, after } of flows) expect(after).toBeGreaterThanOrEqual(before / MAX_RATIO)
})

/** Megabytes per second of one peer before and after a moment, and the longest time until more had come, as the hub looks. */
function flow({ samples }: Progress, id: string, momentMs: number) {
  const own = samples.map(({ atMs, bytes }) => ({ atMs, bytes: bytes[id] ?? 0 }))
  const first = own.findIndex(({ bytes }) => bytes > 0)
  const last = own.findIndex(({ bytes }) => bytes >= TRANSFER_BYTES)
  const active = own.slice(first, last + 1)
  const parts = [active.filter(({ atMs }) => atMs < momentMs), active.filter(({ atMs }) => atMs >= momentMs)]
  const [before, after] = parts.map((part) => {
    let pauseMs = 0
    let since = part[0]
    for (const sample of part) {
      if (since != null) pauseMs = Math.max(pauseMs, sample.atMs - since.atMs)
      if (since == null || sample.bytes > since.bytes) since = sample
    }
    const [begin, end] = [part[0], part.at(-1)]
    const perMs = begin == null || end == null ? 0 : (end.bytes - begin.bytes) / (end.atMs - begin.atMs)
    // Bytes per millisecond are kilobytes per second.
    return { rate: Math.round(perMs / 100) / 10, pauseMs: Math.round(pauseMs) }
  })
  return { before: before!.rate, after: after!.rate, pauseBeforeMs: before!.pauseMs, pauseAfterMs: after!.pauseMs }
}
