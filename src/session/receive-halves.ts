import type { ResetFrame, StreamFrame } from '../wire/index.ts'
import type { SessionConfig } from './config.ts'
import type { ControlQueue } from './control-queue.ts'
import type { SessionEffect } from './effects.ts'
import { ReceiveCredit } from './session-credit.ts'
import type { StreamState } from './stream-state.ts'

/** What the receiving directions of all streams share: session credit, and what is owed and told when one changes. */
export class ReceiveHalves {
  readonly #credit: ReceiveCredit
  readonly #streamWindow: number
  readonly #control: ControlQueue
  readonly #emit: (effect: SessionEffect) => void

  constructor(config: SessionConfig, control: ControlQueue, emit: (effect: SessionEffect) => void) {
    this.#credit = new ReceiveCredit(config.sessionWindow)
    this.#streamWindow = config.streamWindow
    this.#control = control
    this.#emit = emit
  }

  get bufferedBytes(): number {
    return this.#credit.bufferedBytes
  }

  get granted(): number {
    return this.#credit.granted
  }

  onStream(stream: StreamState, { offset, data, fin }: StreamFrame): void {
    const { id, receive } = stream
    const { status } = receive
    this.#credit.check(receive.highest, offset + data.byteLength)
    let chunks: Uint8Array[] = []
    this.#change(stream, () => {
      chunks = receive.receive(offset, data, fin)
    })
    for (const chunk of chunks) this.#emit({ type: 'streamData', stream: id, data: chunk })
    if (status === 'open' && receive.status === 'ended') this.#emit({ type: 'streamEnd', stream: id })
  }

  onReset(stream: StreamState, { code, finalOffset }: ResetFrame): void {
    const { id, receive } = stream
    const { status } = receive
    this.#credit.check(receive.highest, finalOffset)
    this.#change(stream, () => receive.reset(finalOffset))
    if (status === 'open' && receive.status === 'reset') this.#emit({ type: 'streamReset', stream: id, code })
  }

  stop(stream: StreamState, code: number): void {
    const { id, receive } = stream
    if (receive.status !== 'open') return
    this.#change(stream, () => receive.stop())
    if (receive.finalOffset == null) this.#control.owe({ type: 'stopSending', stream: id, code })
  }

  consume(stream: StreamState, bytes: number): void {
    const { id, receive } = stream
    if (receive.status === 'stopped' || receive.status === 'reset') return
    this.#change(stream, () => receive.consume(bytes))
    if (receive.grant(this.#streamWindow)) this.#control.owe({ type: 'maxStreamData', stream: id })
  }

  /** The peer will send nothing more, nor say where it ended. */
  abandon(stream: StreamState): void {
    this.fail(stream, 0)
    this.#change(stream, () => stream.receive.abandon())
  }

  /** Tells whoever still reads. */
  fail({ id, receive }: StreamState, code: number): void {
    if (receive.status === 'open') this.#emit({ type: 'streamReset', stream: id, code })
  }

  clear(): void {
    this.#credit.clear()
  }

  #change({ receive }: StreamState, change: () => void): void {
    if (this.#credit.change(receive, change)) this.#control.owe({ type: 'maxData' })
  }
}
