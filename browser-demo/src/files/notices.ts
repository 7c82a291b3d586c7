import type { PeerId } from '@libp2p/interface'
import type { HoldfastNode } from 'libp2p-holdfast'
import { type End, encodeJson, filesProtocol, messagesOf } from './protocol.ts'

/** Kept for one peer while it is away; the oldest go first. */
const maxKept = 200

/** Tells a peer that files are over: now, or when there is a link again. */
export class Notices {
  readonly #node: HoldfastNode
  readonly #peer: PeerId
  readonly #ends = new Map<string, End>()
  #telling: Promise<void> | undefined

  constructor(node: HoldfastNode, peer: PeerId) {
    this.#node = node
    this.#peer = peer
  }

  add(end: End): void {
    this.#ends.set(end.id, end)
    for (const id of this.#ends.keys()) {
      if (this.#ends.size <= maxKept) break
      this.#ends.delete(id)
    }
    this.tell()
  }

  /** Does nothing without a link: whoever hears of the next one calls this again. */
  tell(): void {
    this.#telling ??= this.#tell()
      .catch((err) => this.#node.logger.forComponent('holdfast:demo:files')('notices wait for a link - %e', err))
      .finally(() => {
        this.#telling = undefined
      })
  }

  async #tell(): Promise<void> {
    for (;;) {
      const link = this.#node.services.links.get(this.#peer)
      const end = this.#ends.values().next().value
      if (end == null || link == null || link.state.status === 'closed') return
      const stream = await link.connection.newStream(filesProtocol, { runOnLimitedConnection: true })
      const messages = messagesOf(stream)
      await messages.write(encodeJson(end))
      await messages.read()
      await stream.close()
      this.#ends.delete(end.id)
    }
  }
}
