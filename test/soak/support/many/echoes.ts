import type { Stream } from '@libp2p/interface'

const MESSAGE_BYTES = 64

/** How long the last echoes of a measurement may take. */
const GRACE_MS = 2_000

/**
 * One echo stream per peer. Messages leave at their time whether or not the ones before were answered: waiting for those
 * would hide the very delays that are measured.
 */
export class Echoes {
  readonly #echoes = new Map<string, Stream>()
  #measured = new Set<string>()
  #times: number[] = []
  /** Answers to what was sent before this count for nothing. */
  #since = Number.POSITIVE_INFINITY

  add(peer: string, stream: Stream): void {
    const held = new Uint8Array(MESSAGE_BYTES)
    const sentAt = new DataView(held.buffer)
    let heldBytes = 0
    const read = (data: Uint8Array): void => {
      for (let at = 0; at < data.byteLength; ) {
        const part = data.subarray(at, at + MESSAGE_BYTES - heldBytes)
        held.set(part, heldBytes)
        heldBytes += part.byteLength
        at += part.byteLength
        if (heldBytes < MESSAGE_BYTES) continue
        heldBytes = 0
        const sent = sentAt.getFloat64(0)
        if (this.#measured.has(peer) && sent >= this.#since) this.#times.push(performance.now() - sent)
      }
    }
    stream.addEventListener('message', ({ data }) => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) read(chunk)
    })
    this.#echoes.set(peer, stream)
  }

  remove(peer: string): void {
    this.#echoes.get(peer)?.abort(new Error('dropped by the test'))
    this.#echoes.delete(peer)
  }

  async run(
    peers: readonly string[],
    intervalMs: number,
    durationMs: number
  ): Promise<{ echoesMs: number[]; missing: number }> {
    const all = [...this.#echoes]
    const rounds = Math.max(1, Math.floor(durationMs / intervalMs))
    const start = performance.now()
    this.#measured = new Set(peers)
    this.#times = []
    this.#since = start
    let expected = 0
    const total = rounds * all.length
    // Spread over the interval, each peer at its own time.
    for (let next = 0; next < total; ) {
      const dueUntil = ((performance.now() - start) / intervalMs) * all.length
      for (; next < Math.min(total, dueUntil); next++) {
        const [peer, stream] = all[next % all.length]!
        if (this.#measured.has(peer)) expected++
        this.#send(stream)
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const end = performance.now() + GRACE_MS
    while (this.#times.length < expected && performance.now() < end) await new Promise((r) => setTimeout(r, 5))
    this.#since = Number.POSITIVE_INFINITY
    return { echoesMs: this.#times, missing: expected - this.#times.length }
  }

  #send(stream: Stream): void {
    // Of peers that misbehave; what is sent to those that measure must get through, and is missing otherwise.
    if (stream.status !== 'open' || stream.writableNeedsDrain) return
    const message = new Uint8Array(MESSAGE_BYTES)
    new DataView(message.buffer).setFloat64(0, performance.now())
    stream.send(message)
  }
}
