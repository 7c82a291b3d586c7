import { type ReadonlySignal, signal } from '@preact/signals'
import type { Link } from 'libp2p-holdfast'
import { ChatStream, chatProtocol } from './chat-stream.ts'

/** Messages kept on the page. */
const shownMessages = 500

export interface ChatMessage {
  readonly id: number
  /** `note` is what the page says about the chat. */
  readonly from: 'you' | 'them' | 'note'
  readonly text: string
  /** By the writer's clock: milliseconds since the Unix epoch. */
  readonly at: number
  /** Whether the link took it. */
  readonly sent: boolean
}

/** The chat with one peer: one stream for both directions, opened by the side that dialled. */
export class Chat {
  readonly #messages = signal<readonly ChatMessage[]>([])
  readonly #link: () => Link | undefined
  #stream: ChatStream | undefined
  #nextId = 0

  constructor(link: () => Link | undefined, earlier: readonly ChatMessage[]) {
    this.#link = link
    for (const { from, text, at } of earlier) this.#add({ from, text, at, sent: true })
  }

  get messages(): ReadonlySignal<readonly ChatMessage[]> {
    return this.#messages
  }

  /** Reads from the stream to its end; both sides may have opened one, so older ones are read on. */
  use(stream: ChatStream): void {
    this.#stream = stream
    void this.#read(stream, this.#link())
  }

  /** The stream there is, or a new one. */
  async open(): Promise<ChatStream> {
    if (this.#stream?.writable === true) return this.#stream
    const link = this.#link()
    if (link == null || link.state.status === 'closed') throw new Error('the link is closed')
    this.use(new ChatStream(await link.connection.newStream(chatProtocol)))
    return this.open()
  }

  /** Whether the link took it. */
  async send(text: string): Promise<boolean> {
    const message = { text, at: Date.now() }
    const id = this.#add({ from: 'you', ...message, sent: false })
    try {
      await (await this.open()).send(message)
      this.#messages.value = this.#messages.value.map((item) => (item.id === id ? { ...item, sent: true } : item))
      return true
    } catch (err) {
      this.#messages.value = this.#messages.value.filter((item) => item.id !== id)
      this.#note(`Not sent: ${reason(err)}`)
      return false
    }
  }

  async #read(stream: ChatStream, link: Link | undefined): Promise<void> {
    try {
      for await (const { text, at } of stream.messages()) this.#add({ from: 'them', text, at, sent: true })
    } catch (err) {
      // The card says why a link ended.
      if (link === this.#link() && link?.state.status !== 'closed') this.#note(`The chat stopped: ${reason(err)}`)
    }
  }

  #note(text: string): void {
    this.#add({ from: 'note', text, at: Date.now(), sent: true })
  }

  #add(message: Omit<ChatMessage, 'id'>): number {
    const id = this.#nextId++
    this.#messages.value = [...this.#messages.value, { id, ...message }].slice(-shownMessages)
    return id
  }
}

function reason(err: unknown): string {
  return err instanceof Error ? err.message : String(err)
}
