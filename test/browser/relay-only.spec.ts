// A browser that has no WebRTC at all, WebKitGTK, and one that has: they find each other by PeerId and stay relayed.
import { join } from 'node:path'
import { expect, test } from './support/fixtures.ts'
import type {} from './support/page/globals.ts'
import { servePage } from './support/servers.ts'
import { whyNoWebKitGtk } from './support/webkit/processes.ts'
import { WebKitPage } from './support/webkit/webkit-driver.ts'

const TRANSFER_BYTES = 5_000_000

/** From the dial to the answer: many times what it takes, far below the 6 s stock libp2p waits for WebRTC. */
const ANSWER_MS = 3_000

/** A dial is bounded by 10 s. */
const linkUp = { timeout: 15_000 }

let webkit: WebKitPage

test.beforeEach(async ({ browserName: _ }, info) => {
  const why = whyNoWebKitGtk()
  info.skip(why != null, why ?? '')
  webkit = await WebKitPage.launch()
})

test.afterEach(async () => {
  await webkit?.close()
})

/** The test page in WebKitGTK, with a node in it. */
async function startPerson(relays: string[], stunUrl: string): Promise<string> {
  await webkit.goto(process.env.HOLDFAST_PAGE ?? '')
  await webkit.waitFor(() => 'Person' in globalThis)
  return webkit.evaluate(
    async ({ relays, stunUrl }) => {
      globalThis.person = await Person.start({ relays, stunServers: stunUrl === '' ? [] : [stunUrl] })
      return person.peerId
    },
    { relays, stunUrl }
  )
}

for (const dialler of ['WebKitGTK', 'the other']) {
  test(`${dialler} dials: relayed for good, 5 MB each way`, async ({ openPage, relayAddresses, stunUrl }) => {
    const webkitId = await startPerson(relayAddresses, stunUrl)
    const other = await openPage()
    const otherId = await other.evaluate(async () => {
      globalThis.person = await Person.start({ relays, stunServers: stunUrl === '' ? [] : [stunUrl] })
      return person.peerId
    })
    expect(await webkit.evaluate(() => 'RTCPeerConnection' in globalThis)).toBe(false)

    const dial = (peerId: string) => person.dial(peerId, 'hello')
    const dialled = dialler === 'WebKitGTK' ? webkit.evaluate(dial, otherId) : other.evaluate(dial, webkitId)
    const { answerMs, status } = await dialled
    expect(status).toBe('relayed')
    expect(answerMs).toBeLessThan(ANSWER_MS)

    const send = (bytes: number) => person.send(bytes)
    const received = () => person.received.then(({ bytes, sha256 }) => ({ bytes, sha256 }))
    const [sentThere, sentHere, gotHere, gotThere] = await Promise.all([
      webkit.evaluate(send, TRANSFER_BYTES),
      other.evaluate(send, TRANSFER_BYTES),
      webkit.evaluate(received),
      other.evaluate(received)
    ])
    expect(gotThere).toEqual(sentThere)
    expect(gotHere).toEqual(sentHere)
    expect(await webkit.evaluate(() => person.link.state)).toEqual({
      status: 'relayed',
      upgrade: { status: 'never', reason: 'this runtime has no WebRTC' }
    })
    expect(await other.evaluate(() => person.link.state.status)).toBe('relayed')
    const say = (text: string) => person.say(text)
    const first = dialler === 'WebKitGTK' ? webkit.evaluate(say, 'still there?') : other.evaluate(say, 'still there?')
    expect(await first).toBeLessThan(ANSWER_MS)
    expect(await webkit.errors()).toEqual([])
  })
}

test('two demo pages link, one of them in WebKitGTK', async ({ openPage, relayAddresses, stunUrl }) => {
  const root = join(import.meta.dirname, '..', '..', 'browser-demo')
  const demo = await servePage({ root, configFile: join(root, 'vite.config.ts') })
  try {
    const url = new URL(demo.url)
    url.searchParams.set('relay', relayAddresses.join(','))
    url.searchParams.set('stun', stunUrl)
    await webkit.goto(url.href)
    const peerIdShown = () => document.querySelector('[data-testid=peer-id]')?.textContent ?? recordedErrors.join()
    await expect.poll(() => webkit.evaluate(peerIdShown), linkUp).toMatch(/^12D3KooW/)

    url.hash = `dial=${await webkit.evaluate(peerIdShown)}`
    const other = await openPage({ url: url.href })
    await expect(other.getByTestId('link-card')).toHaveAttribute('data-state', 'relayed', linkUp)
    const stateShown = () => document.querySelector<HTMLElement>('[data-testid=link-card]')?.dataset.state
    await expect.poll(() => webkit.evaluate(stateShown), linkUp).toBe('relayed')
    expect(await webkit.errors()).toEqual([])
  } finally {
    await demo.stop()
  }
})
