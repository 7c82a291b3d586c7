import type { Link } from 'libp2p-holdfast'
import { ChatStream, chatProtocol, type Message } from './chat-stream.ts'
import { appendTo, element, part } from './dom.ts'

/** Messages kept on the page. */
const shownMessages = 500

/** The chat of one card: one stream for both directions, opened by the side that dialled. */
export class ChatBox {
  readonly #box: HTMLElement
  readonly #list: HTMLElement
  readonly #input: HTMLInputElement
  readonly #button: HTMLButtonElement
  readonly #link: () => Link | undefined
  #chat: ChatStream | undefined

  constructor(card: HTMLElement, link: () => Link | undefined) {
    this.#box = part(card, 'messages-box')
    // It scrolls, so the keyboard has to reach it; not every browser sees to that.
    this.#box.tabIndex = 0
    this.#list = part(card, 'messages')
    this.#input = part<HTMLInputElement>(card, 'chat-input')
    this.#button = part<HTMLButtonElement>(card, 'chat-send')
    this.#link = link
    part<HTMLFormElement>(card, 'chat-form').addEventListener('submit', (event) => {
      event.preventDefault()
      const text = this.#input.value.trim()
      if (text === '') return
      this.#input.value = ''
      void this.#send({ text, at: Date.now() })
    })
  }

  focus(): void {
    this.#input.focus()
  }

  /** Whether anything can be sent. What was typed stays. */
  set enabled(enabled: boolean) {
    this.#input.disabled = !enabled
    this.#button.disabled = !enabled
  }

  /** Reads from the stream to its end; both sides may have opened one, so older ones are read on. */
  use(chat: ChatStream): void {
    this.#chat = chat
    void this.#read(chat)
  }

  /** The stream there is, or a new one. */
  async open(): Promise<ChatStream> {
    if (this.#chat?.writable === true) return this.#chat
    const link = this.#link()
    if (link == null || link.state.status === 'closed') throw new Error('the link is closed')
    this.use(new ChatStream(await link.connection.newStream(chatProtocol)))
    return this.open()
  }

  async #read(chat: ChatStream): Promise<void> {
    try {
      for await (const message of chat.messages()) this.#show('them', message)
    } catch (err) {
      // The card says why a link ended.
      if (this.#link()?.state.status !== 'closed') this.#note(`The chat stopped: ${reason(err)}`)
    }
  }

  async #send(message: Message): Promise<void> {
    const item = this.#show('you', message)
    item.dataset.sent = 'false'
    try {
      await (await this.open()).send(message)
      item.dataset.sent = 'true'
    } catch (err) {
      item.remove()
      if (this.#input.value === '') this.#input.value = message.text
      this.#note(`Not sent: ${reason(err)}`)
    }
  }

  #show(from: 'you' | 'them', message: Message): HTMLElement {
    const item = element('li', '', 'message')
    item.dataset.from = from
    const time = element('time', new Date(message.at).toLocaleTimeString())
    time.setAttribute('datetime', new Date(message.at).toISOString())
    item.append(element('span', from === 'you' ? 'You: ' : 'Peer: '), element('b', message.text, 'message-text'), time)
    this.#append(item)
    return item
  }

  #note(text: string): void {
    this.#append(element('li', text, 'chat-note'))
  }

  /** Stays at the end unless the reader scrolled up. */
  #append(item: HTMLElement): void {
    const box = this.#box
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 8
    appendTo(this.#list, item, shownMessages)
    if (atEnd) box.scrollTop = box.scrollHeight
  }
}

function reason(err: unknown): string {
  return err instanceof Error ? err.message : String(err)
}
