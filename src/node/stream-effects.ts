import type { SessionEffect } from '../session/index.ts'
import type { SessionMuxer } from './muxer.ts'

export type StreamEffect = Extract<SessionEffect, { readonly type: `stream${string}` }>

/** Tells the muxer what the session says of streams; until there is one it is kept, and the session's windows bound it. */
export class StreamEffects {
  readonly #discard: (stream: number, bytes: number) => void
  #muxer: SessionMuxer | undefined
  #early: StreamEffect[] = []

  /** `discard`: data of a stream that nobody has any more counts as read. */
  constructor(discard: (stream: number, bytes: number) => void) {
    this.#discard = discard
  }

  get muxer(): SessionMuxer | undefined {
    return this.#muxer
  }

  /** Returns what was said before it came, to be applied now. */
  attach(muxer: SessionMuxer): StreamEffect[] {
    this.#muxer = muxer
    return this.#early.splice(0)
  }

  forgetEarly(): void {
    this.#early = []
  }

  apply(effect: StreamEffect): void {
    const muxer = this.#muxer
    if (muxer == null) {
      // A copy: the data is a part of a carrier's chunk, which may be much larger.
      this.#early.push('data' in effect ? { ...effect, data: Uint8Array.from(effect.data) } : effect)
      return
    }
    switch (effect.type) {
      case 'streamOpen':
        muxer.onStreamOpen(effect.stream)
        break
      case 'streamData': {
        const stream = muxer.stream(effect.stream)
        if (stream == null) this.#discard(effect.stream, effect.data.byteLength)
        else stream.deliver(effect.data)
        break
      }
      case 'streamEnd':
        muxer.stream(effect.stream)?.onRemoteCloseWrite()
        break
      case 'streamReset':
        muxer.stream(effect.stream)?.onRemoteReset()
        break
      case 'streamStopped':
        muxer.stream(effect.stream)?.onRemoteStopped(effect.code)
        break
      case 'streamWritable':
        muxer.stream(effect.stream)?.onWritable()
        break
    }
  }
}
