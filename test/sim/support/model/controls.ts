import type { CountedFrame } from '../../../../src/wire/index.ts'

interface Latest {
  readonly path: number
  readonly sequence: number
}

type Control = Exclude<CountedFrame, { type: 'stream' }>

/** Credit, RESET, STOP_SENDING and CLOSE one side sent: where each was said last, and whether that died with its path. */
export class Controls {
  readonly #latest = new Map<string, Latest>()
  readonly #homeless = new Set<string>()
  /** RESET and CLOSE of which some copy was acknowledged. */
  readonly #acked = new Set<string>()
  /** Streams whose end the peer told us: neither credit nor STOP_SENDING is of use to it any more. */
  readonly #ended = new Set<number>()

  onSent(frame: Control, path: number, sequence: number): void {
    const key = keyOf(frame)
    this.#latest.set(key, { path, sequence })
    this.#homeless.delete(key)
  }

  onAcked(frame: Control): void {
    if (frame.type === 'reset' || frame.type === 'close') this.#acked.add(keyOf(frame))
  }

  onReceived(frame: CountedFrame): void {
    if (frame.type === 'reset' || (frame.type === 'stream' && frame.fin)) this.#ended.add(frame.stream)
  }

  onPathGone(path: number, isAcked: (sequence: number) => boolean): void {
    for (const [key, latest] of this.#latest) {
      if (latest.path === path && !isAcked(latest.sequence)) this.#homeless.add(key)
    }
  }

  /** What the path took with it and nobody said again, though it still means something. */
  homeless(isOver: (stream: number) => boolean): string | undefined {
    for (const key of this.#homeless) {
      const [type, stream] = key.split(' ') as [Control['type'], string | undefined]
      const id = Number(stream)
      const pointless =
        this.#acked.has(key) ||
        (type === 'maxStreamData' && (this.#ended.has(id) || isOver(id))) ||
        (type === 'stopSending' && this.#ended.has(id))
      if (!pointless) return key
      this.#homeless.delete(key)
    }
    return undefined
  }
}

function keyOf(frame: Control): string {
  return 'stream' in frame ? `${frame.type} ${frame.stream}` : frame.type
}
