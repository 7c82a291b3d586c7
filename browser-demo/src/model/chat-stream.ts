import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'

export const chatProtocol = '/holdfast-demo/chat/1.0.0'

/** UTF-8 JSON on the wire, each with its length before it. */
export interface Message {
  readonly text: string
  /** When it was written, by the writer's clock: milliseconds since the Unix epoch. */
  readonly at: number
}

/** 4,000 characters, each escaped, fit in. */
const maxMessageBytes = 32_768

export class ChatStream {
  readonly #stream: Stream
  readonly #frames

  constructor(stream: Stream) {
    this.#stream = stream
    this.#frames = lpStream(stream, { maxDataLength: maxMessageBytes })
  }

  get writable(): boolean {
    return this.#stream.writeStatus === 'writable'
  }

  /** Resolves when the link took the message, which it does not while it holds back too much already. */
  async send(message: Message): Promise<void> {
    await this.#frames.write(new TextEncoder().encode(JSON.stringify(message)))
  }

  /** Ends with the stream. @throws what aborted the stream, or what is wrong with a message */
  async *messages(): AsyncGenerator<Message> {
    try {
      while (true) yield parse((await this.#frames.read()).subarray())
    } catch (err) {
      if (err instanceof Error && err.name === 'UnexpectedEOFError') return
      this.#stream.abort(err instanceof Error ? err : new Error(String(err)))
      throw err
    }
  }
}

function parse(bytes: Uint8Array): Message {
  const { text, at } = JSON.parse(new TextDecoder().decode(bytes))
  if (typeof text !== 'string') throw new Error('The peer sent a message without text')
  const sane = Number.isFinite(at) && Math.abs(at) < 8.64e15
  return { text, at: sane ? at : Date.now() }
}
