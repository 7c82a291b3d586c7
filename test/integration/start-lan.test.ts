// `npm start -- --lan` as other devices see it: the page, the relay and STUN at this machine's address in the network.
import { randomBytes } from 'node:crypto'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lanAddresses } from '../../scripts/lan/addresses.ts'
import { freshHome, output, type Started, spawnStart, startLan } from '../support/start-lan.ts'

const [address] = lanAddresses()
const hostOf = ({ url }: Started) => new URL(url).hostname.replace(/^\[|\]$/g, '')

/** Whether something listens there. */
async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  const answered = await once(socket, 'connect').then(
    () => true,
    () => false
  )
  socket.destroy()
  return answered
}

interface Answer {
  response: IncomingMessage
  body: string
  fingerprint: string
}

/** One request whose certificate is checked against `ca`. */
async function get(url: string, ca: string | undefined, headers: Record<string, string> = {}): Promise<Answer> {
  const request = httpsRequest(url, { ca, headers, agent: false }).end()
  const answered = await Promise.race([once(request, 'response'), once(request, 'upgrade')])
  const response = answered[0] as IncomingMessage
  const { fingerprint256 } = (response.socket as TLSSocket).getPeerCertificate()
  let body = ''
  if (response.statusCode === 101) response.socket.destroy()
  else for await (const chunk of response.setEncoding('utf8')) body += chunk
  return { response, body, fingerprint: fingerprint256 }
}

const webSocket = (): Record<string, string> => ({
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': randomBytes(16).toString('base64')
})

/** The type of the answer to a STUN Binding request, RFC 8489 section 5. */
async function stunAnswer(host: string, port: number): Promise<number> {
  const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const packet = Buffer.concat([Buffer.from('000100002112a442', 'hex'), randomBytes(12)])
  socket.send(packet, port, host)
  const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(5_000) })
  socket.close()
  return (answer as Buffer).readUInt16BE(0)
}

describe.skipIf(address == null)('npm start -- --lan', () => {
  let home: Awaited<ReturnType<typeof freshHome>>
  let started: Started
  let ca: string

  beforeAll(async () => {
    home = await freshHome()
    started = await startLan(home.env)
    ca = await readFile(started.certificatePath, 'utf8')
  }, 90_000)

  afterAll(async () => {
    await started?.interrupt()
    await home?.remove()
  })

  it('serves the page over https with the certificate it printed, at an address of the network', async () => {
    expect(hostOf(started)).toBe(address)
    const { response, body, fingerprint } = await get(started.url, ca)
    expect(response.statusCode).toBe(200)
    expect(body).toContain('<title>Holdfast')
    expect(fingerprint).toBe(started.fingerprint)
    await expect(get(started.url, undefined)).rejects.toThrow(/self-signed certificate/)
  })

  it('says how to go on after the warning, and draws the address as a QR code', () => {
    expect(started.text).toMatch(/Each browser warns once/)
    expect(started.text.match(/^█.*█$/gm)?.length).toBeGreaterThan(10)
  })

  it('has the relay at the same port', async () => {
    const { port } = new URL(started.url)
    expect(started.relay).toMatch(new RegExp(`/${address}/tcp/${port}/tls/ws/p2p/12D3KooW`))
    const relays = await get(started.url, ca, webSocket())
    expect(relays.response.statusCode).toBe(101)
  })

  it('gives nobody the files of this folder', async () => {
    for (const path of ['src/main.tsx', `@fs${import.meta.filename}`, '..%2fpackage.json']) {
      const { body } = await get(new URL(path, started.url).href, ca)
      expect(body === '' || body.includes('<title>Holdfast'), body.slice(0, 80)).toBe(true)
    }
  })

  it('answers STUN at that address', async () => {
    expect(await stunAnswer(hostOf(started), started.stunPort)).toBe(0x0101)
  })

  it('ends with Ctrl-C, the relay with it, and shows the same certificate when it starts again', async () => {
    expect(await started.interrupt()).toBe(0)
    const { port } = new URL(started.url)
    expect(await answers(hostOf(started), Number(port))).toBe(false)

    const { fingerprint } = started
    started = await startLan(home.env, ['--port', port, '--relay-port', port, '--address', hostOf(started)])
    expect(started.fingerprint).toBe(fingerprint)
    expect((await get(started.url, ca, webSocket())).response.statusCode).toBe(101)
    expect(await started.interrupt()).toBe(0)
    expect(await answers(hostOf(started), Number(port))).toBe(false)
    expect(await answers('127.0.0.1', Number(port))).toBe(false)
  })

  it.each([
    [['--lan', '--address', '203.0.113.1'], /^--address 203\.0\.113\.1: this machine can be reached at /],
    [['--address', '203.0.113.1'], /^--address is for other devices: give --lan as well/],
    [['--lan', '--port', '70000'], /^--port 70000: a port is a number up to 65535/],
    [['--lan=yes'], /lan.*does not take an argument[\s\S]*Usage: npm start/]
  ])('%j is refused in a sentence', async (args, sentence) => {
    const child = spawnStart(args, home.env)
    expect(await output(child)).toMatch(sentence)
    expect(child.exitCode).toBe(1)
  })
})
