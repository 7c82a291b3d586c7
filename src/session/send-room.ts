import { FREE_STREAM_BYTES, type SessionConfig } from './config.ts'
import type { StreamState } from './stream-state.ts'

/** Room in the replay buffer that all writers share, and the writers that wait for some. */
export class SendRoom {
  readonly #config: SessionConfig
  readonly #onWritable: (stream: number) => void
  readonly #starved = new Set<StreamState>()
  #usedBytes = 0

  constructor(config: SessionConfig, onWritable: (stream: number) => void) {
    this.#config = config
    this.#onWritable = onWritable
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** How many of these bytes the stream may keep now; they count as used. Whoever gets no `more` is told when there is. */
  take(stream: StreamState, bytes: number): { accepted: number; more: boolean } {
    const { send } = stream
    const { maxSendBuffer, maxStreamSendBuffer } = this.#config
    // A free prefix always fits: streams whose readers are paused must not silence the others.
    const sessionRoom = Math.max(maxSendBuffer - this.#usedBytes, FREE_STREAM_BYTES - send.bufferedBytes)
    const room = Math.min(maxStreamSendBuffer - send.bufferedBytes, sessionRoom)
    const accepted = Math.min(bytes, Math.max(room, 0))
    this.#usedBytes += accepted
    const more = accepted === bytes && accepted < room
    if (!more) this.#starved.add(stream)
    return { accepted, more }
  }

  /** A free prefix is refilled though others fill the session's buffer: `take` gives that much in any case. */
  release(bytes: number): void {
    this.#usedBytes -= bytes
    if (this.#starved.size === 0) return
    const { maxSendBuffer, maxStreamSendBuffer } = this.#config
    const hasSessionRoom = this.#usedBytes <= maxSendBuffer - maxStreamSendBuffer / 2
    const limit = hasSessionRoom ? maxStreamSendBuffer / 2 : Math.min(FREE_STREAM_BYTES, maxStreamSendBuffer) / 2
    for (const stream of this.#starved) {
      if (stream.send.bufferedBytes > limit) continue
      this.#starved.delete(stream)
      if (stream.send.status === 'open') this.#onWritable(stream.id)
    }
  }

  forget(stream: StreamState): void {
    this.#starved.delete(stream)
  }

  clear(): void {
    this.#starved.clear()
    this.#usedBytes = 0
  }
}
