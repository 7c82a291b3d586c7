// A peer is in its host and nowhere else.
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { findBrowsers } from '../../../scripts/browsers.ts'
import { whyNoWebKitGtk } from '../../browser/support/webkit/processes.ts'
import { createLab, type Host, type Lab, type Nat, whyNoLab } from '../index.ts'
import { endPeers, type LabRelay, openPeer, type Peer, type PeerOptions, startLabRelay } from '../peers/index.ts'
import { globalsOf, startPeople } from './pair.ts'

const found = await findBrowsers()
const whyNot = await whyNoLab()

let lab: Lab
let nat: Nat
let home: Host
let site: Host
let relay: LabRelay

beforeAll(async () => {
  if (whyNot != null) return
  lab = await createLab()
  nat = await lab.nat({ kind: 'endpoint-independent' })
  site = await lab.host({ name: 'site' })
  home = await lab.host({ behind: nat })
  relay = await startLabRelay(site)
}, 60_000)

afterAll(async () => {
  if (home != null) await endPeers(home)
  await relay?.stop()
  await lab?.close()
})

async function open(options: PeerOptions): Promise<Peer> {
  const peer = await openPeer(home, { globals: globalsOf(relay), ...options })
  onTestFinished(() => peer.close())
  return peer
}

/** Addresses of all candidates that WebRTC finds with the relay's STUN. */
async function gather(): Promise<Array<{ type: string; address: string }>> {
  const connection = new RTCPeerConnection({ iceServers: [{ urls: stunUrl }] })
  const candidates: Array<{ type: string; address: string }> = []
  const { promise, resolve } = Promise.withResolvers<void>()
  connection.onicecandidate = ({ candidate }) => {
    if (candidate == null) return resolve()
    const [, , , , address = '', , , type = ''] = candidate.candidate.split(' ')
    if (address !== '') candidates.push({ type, address })
  }
  connection.createDataChannel('')
  await connection.setLocalDescription()
  await promise
  connection.close()
  return candidates
}

for (const kind of ['chromium', 'firefox'] as const) {
  test(`${kind} offers its NAT's address, and none but its host's beside it`, async ({ skip }) => {
    if (whyNot != null) skip(whyNot)
    if (found[kind] == null) skip(`${kind} is not installed: npm run setup`)
    const page = await open({ kind })
    const candidates = await page.evaluate(gather)
    expect(candidates).toContainEqual({ type: 'srflx', address: nat.address })
    const others = candidates.map(({ address }) => address).filter((address) => address !== nat.address)
    // Browsers hide a host's own address behind a name of multicast DNS.
    expect(others.filter((address) => !address.endsWith('.local') && address !== home.address)).toEqual([])
    expect(await page.evaluate(() => isSecureContext)).toBe(true)
  })
}

test('a page of a public host of the lab is opened like a site', async ({ skip }) => {
  if (whyNot != null) skip(whyNot)
  if (found.chromium == null) skip('there is no Chromium here: npm run setup')
  const program = `
    const server = require('node:http').createServer((request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<link rel=icon href=data:,><title>to ' + request.socket.remoteAddress + '</title>')
    })
    server.listen(0, ${JSON.stringify(site.address)}, () => console.log(server.address().port))`
  const server = site.spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void server.kill())
  const [port] = await once(server.stdout as Readable, 'data')
  const page = await open({ kind: 'chromium', url: `http://${site.address}:${String(port).trim()}/` })
  expect(await page.evaluate(() => document.title)).toBe(`to ${nat.address}`)
})

test('WebKitGTK, which has no WebRTC, is relayed', async ({ skip }) => {
  if (whyNot != null) skip(whyNot)
  const missing = whyNoWebKitGtk()
  if (missing != null) skip(missing)
  const [a, b] = await Promise.all([open({ kind: 'webkit' }), open({ kind: 'node' })])
  const [, peerId = ''] = await startPeople(a, b)
  const { status } = await a.evaluate((peerId) => person.dial(peerId, 'hello'), peerId)
  expect(status).toBe('relayed')
  expect(await b.evaluate(() => person.heard)).toMatchObject([{ text: 'hello' }])
  expect(await a.evaluate(() => person.link.state)).toMatchObject({ upgrade: { status: 'never' } })
  expect(await a.errors()).toEqual([])
})

test('what a peer is asked and cannot do is an error with its words', async ({ skip }) => {
  if (whyNot != null) skip(whyNot)
  const peer = await open({ kind: 'node' })
  const asked = peer.evaluate(() => Promise.reject(new RangeError('not today')))
  await expect(asked).rejects.toThrow('RangeError: not today')
  await peer.close()
  await expect(peer.evaluate(() => 1)).rejects.toThrow('the agent has ended')
})
