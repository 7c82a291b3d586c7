import type { AbortOptions, Logger, MessageStreamDirection } from '@libp2p/interface'
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'

/** What the link does when libp2p ends the durable connection. */
export interface HandleOwner {
  /** Resolves when the session is flushed; `signal` ends the wait. */
  closeHandle(options?: AbortOptions): Promise<void>
  abortHandle(error: Error): void
}

export interface LinkHandleInit {
  readonly remoteAddr: Multiaddr
  readonly direction: MessageStreamDirection
  readonly log: Logger
  readonly owner: HandleOwner
}

/**
 * The `MultiaddrConnection` under a durable connection. It carries no bytes, as in libp2p's WebRTC transport: streams are
 * the session's, which is the muxer.
 */
export class LinkHandle extends AbstractMultiaddrConnection {
  readonly #owner: HandleOwner

  constructor({ owner, ...init }: LinkHandleInit) {
    super(init)
    this.#owner = owner
  }

  /** The link is over: the connection closes, with `error` as the reason of an end that nobody asked for. */
  end(error?: Error): void {
    this.onTransportClosed(error)
  }

  sendData(): SendResult {
    throw new Error('A durable connection carries no bytes of its own: open a stream')
  }

  async sendClose(options?: AbortOptions): Promise<void> {
    await this.#owner.closeHandle(options)
  }

  sendReset(error: Error): void {
    this.#owner.abortHandle(error)
  }

  sendPause(): void {}

  sendResume(): void {}
}
