// One of the two people of a test, in a page: a node, the link with the other one, and what was seen and measured there.
// Loaded by page.ts; specs find it as `Person` and keep theirs as `person`.
import type { Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import {
  type CreateNodeInit,
  createNode,
  type HoldfastNode,
  type Link,
  type LinkState
} from '../../../../src/index.browser.ts'

const ECHO = '/holdfast-test/echo/1.0.0'
const BULK = '/holdfast-test/bulk/1.0.0'

/** `crypto.getRandomValues` gives no more at once. */
const CHUNK_BYTES = 65_536

export interface Sent {
  bytes: number
  sha256: string
}

export interface Received {
  bytes: number
  sha256: string
  ms: number
  /** The longest time between two deliveries: each is the next bytes in order. */
  longestGapMs: number
}

export interface Seen {
  /** Milliseconds since the Unix epoch. */
  at: number
  /** `relayed`, `direct`, …: the link's state; `webrtc taken: …`: a path's event. */
  what: string
}

export class Person {
  readonly node: HoldfastNode
  readonly peerId: string
  /** Messages of the other one, and how the link was when they arrived. */
  readonly heard: Array<{ text: string; at: number; status: LinkState['status'] | undefined }> = []
  /** Everything that happened to the link. */
  readonly seen: Seen[] = []
  /** As `link:state` told them. */
  readonly states: Array<{ at: number; state: LinkState }> = []
  receivedBytes = 0
  /** The transfer that comes in. */
  readonly received: Promise<Received>
  readonly #received = Promise.withResolvers<Received>()
  #link: Link | undefined
  #echo: ReturnType<typeof lpStream> | undefined

  static async start(init: CreateNodeInit): Promise<Person> {
    const person = new Person(await createNode(init))
    const { node } = person
    await node.handle(ECHO, (stream) => person.#answer(stream))
    await node.handle(BULK, (stream) => {
      person.#receive(stream).then(person.#received.resolve, person.#received.reject)
    })
    return person
  }

  private constructor(node: HoldfastNode) {
    this.node = node
    this.peerId = node.peerId.toString()
    this.received = this.#received.promise
    this.received.catch(() => {})
    node.services.links.addEventListener('link:open', ({ detail }) => this.#follow(detail))
  }

  get link(): Link {
    if (this.#link == null) throw new Error('there is no link')
    return this.#link
  }

  /** Dial, say something, and wait for the answer. All times count from the dial. */
  async dial(
    peerId: string,
    text: string
  ): Promise<{ dialledAt: number; linkMs: number; answerMs: number; status: string }> {
    const dialledAt = Date.now()
    const start = performance.now()
    this.#follow(await this.node.services.links.dial(peerIdFromString(peerId)))
    const linkMs = performance.now() - start
    this.#echo = lpStream(await this.link.connection.newStream(ECHO))
    await this.say(text)
    return { dialledAt, linkMs, answerMs: performance.now() - start, status: this.link.state.status }
  }

  /** Resolves with the round-trip time when the other one has answered with the same text. */
  async say(text: string): Promise<number> {
    const start = performance.now()
    await this.#echo?.write(new TextEncoder().encode(text))
    const answer = new TextDecoder().decode((await this.#echo?.read())?.subarray())
    if (answer !== text) throw new Error(`The answer to ${text} was ${answer}`)
    return performance.now() - start
  }

  /** Resolves when the stream has taken everything. */
  async send(bytes: number): Promise<Sent> {
    const data = new Uint8Array(bytes)
    for (let at = 0; at < bytes; at += CHUNK_BYTES) crypto.getRandomValues(data.subarray(at, at + CHUNK_BYTES))
    const stream = await this.link.connection.newStream(BULK)
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      if (!stream.send(data.subarray(at, at + CHUNK_BYTES))) await stream.onDrain()
    }
    await stream.close()
    return { bytes, sha256: await sha256(data) }
  }

  /** What libp2p has open, by address. */
  get connections(): string[] {
    return this.node.getConnections().map(({ remoteAddr }) => remoteAddr.toString())
  }

  /** Ends the direct path by its carrier, as a browser does that loses it. */
  abortWebRTC(): number {
    const carriers = this.node
      .getConnections(this.link.remotePeer)
      .filter(({ remoteAddr }) => remoteAddr.getComponents().some(({ name }) => name === 'webrtc'))
    for (const carrier of carriers) carrier.abort(new Error('taken away by the test'))
    return carriers.length
  }

  #follow(link: Link): void {
    if (link === this.#link) return
    this.#link = link
    for (const { at, to, cause } of link.history) this.seen.push({ at, what: `${to}: ${cause}` })
    link.addEventListener('link:state', ({ detail: { state, previous, cause } }) => {
      this.states.push({ at: Date.now(), state })
      if (state.status !== previous.status) this.seen.push({ at: Date.now(), what: `${state.status}: ${cause}` })
    })
    for (const [type, verb] of [
      ['path:open', 'opened'],
      ['path:select', 'taken'],
      ['path:close', 'closed']
    ] as const) {
      link.addEventListener(type, ({ detail: { path, cause } }) => {
        this.seen.push({ at: Date.now(), what: `${path.kind} ${verb}: ${cause}` })
      })
    }
  }

  async #answer(stream: Stream): Promise<void> {
    const frames = lpStream(stream)
    for (;;) {
      const message = await frames.read().catch(() => undefined)
      if (message == null) return
      const text = new TextDecoder().decode(message.subarray())
      this.heard.push({ text, at: Date.now(), status: this.#link?.state.status })
      await frames.write(message)
    }
  }

  async #receive(stream: Stream): Promise<Received> {
    const chunks: Uint8Array[] = []
    const start = performance.now()
    let last = start
    let longestGapMs = 0
    for await (const chunk of stream) {
      const bytes = chunk.subarray()
      const now = performance.now()
      longestGapMs = Math.max(longestGapMs, now - last)
      last = now
      chunks.push(bytes)
      this.receivedBytes += bytes.byteLength
    }
    const data = new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer())
    return { bytes: data.byteLength, sha256: await sha256(data), ms: last - start, longestGapMs }
  }
}

async function sha256(data: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
