// Proves the harness, not the library: the project's two browsers do connect by WebRTC here, and `udp` really cuts that.
import type { Page } from '@playwright/test'
import { expect, test } from './support/fixtures.ts'

interface Description {
  type: RTCSdpType
  sdp: string
}

interface Peer {
  offer(): Promise<Description>
  answer(offer: Description): Promise<Description>
  accept(answer: Description): Promise<void>
  /** Resolves with the answer to a message, when it comes. */
  ask(message: string): Promise<string>
  opened: Promise<void>
}

declare global {
  var peer: Peer
}

function definePeer(): void {
  const connection = new RTCPeerConnection()
  const channel = connection.createDataChannel('test', { negotiated: true, id: 0 })
  const waiting = new Map<string, (answer: string) => void>()
  channel.onmessage = ({ data }: MessageEvent<string>) => {
    if (data.startsWith('ask ')) channel.send(data.replace('ask ', 'answer '))
    else waiting.get(data.replace('answer ', ''))?.(data)
  }
  const gathered = new Promise<void>((resolve) => {
    connection.onicegatheringstatechange = () => {
      if (connection.iceGatheringState === 'complete') resolve()
    }
  })
  const local = async (): Promise<Description> => {
    await gathered
    const { type, sdp } = connection.localDescription as RTCSessionDescription
    return { type, sdp }
  }
  globalThis.peer = {
    opened: new Promise((resolve) => {
      channel.onopen = () => resolve()
    }),
    async offer() {
      await connection.setLocalDescription()
      return local()
    },
    async answer(offer) {
      await connection.setRemoteDescription(offer)
      await connection.setLocalDescription()
      return local()
    },
    async accept(answer) {
      await connection.setRemoteDescription(answer)
    },
    ask(message) {
      return new Promise((resolve) => {
        waiting.set(message, resolve)
        channel.send(`ask ${message}`)
      })
    }
  }
}

async function connect([a, b]: [Page, Page]): Promise<void> {
  await Promise.all([a.evaluate(definePeer), b.evaluate(definePeer)])
  const offer = await a.evaluate(() => peer.offer())
  const answer = await b.evaluate((offer) => peer.answer(offer), offer)
  await a.evaluate((answer) => peer.accept(answer), answer)
  await Promise.all([a.evaluate(() => peer.opened), b.evaluate(() => peer.opened)])
}

const ask = (page: Page, message: string) => page.evaluate((message) => peer.ask(message), message)

test('two pages connect by WebRTC, in both directions', async ({ pair }) => {
  const [a, b] = pair
  await connect([a, b])
  expect(await ask(a, 'one')).toBe('answer one')
  expect(await ask(b, 'two')).toBe('answer two')
  const [c, d] = [b, a]
  await connect([c, d])
  expect(await ask(c, 'three')).toBe('answer three')
})

test('cutting UDP stalls WebRTC and nothing else; restoring it lets the same bytes through', async ({ pair, udp }) => {
  const [a, b] = pair
  await connect([a, b])
  expect(await ask(a, 'before')).toBe('answer before')

  await udp.drop()
  let arrived = false
  const during = ask(a, 'during').finally(() => {
    arrived = true
  })
  // Packets lost, retransmissions among them, are the clock: no sleep tells that something went out and did not arrive.
  await expect.poll(udp.dropped).toBeGreaterThan(1)
  expect(await a.evaluate(() => fetch('/').then(({ status }) => status))).toBe(200)
  expect(arrived).toBe(false)

  await udp.restore()
  expect(await during).toBe('answer during')
})
