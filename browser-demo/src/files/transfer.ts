import type { Stream } from '@libp2p/interface'
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { RateMeter } from './rate.ts'

/** Ours and the other side's SHA-256, each computed over what that side read or stored. */
export interface Digests {
  readonly ours: string
  readonly theirs: string
}

export type TransferState =
  /** Out: waits for others to be through. */
  | { readonly status: 'queued' }
  /** Out: the other side is asked. In: this side's person is. */
  | { readonly status: 'offered' }
  | { readonly status: 'running' }
  /** All bytes are there: the digests are still to be compared. */
  | { readonly status: 'checking' }
  /** The link is gone with its streams; goes on where it stopped when there is another. */
  | { readonly status: 'interrupted'; readonly reason: string }
  | { readonly status: 'done'; readonly digests: Digests }
  /** Stopped by a person, on either side. */
  | { readonly status: 'cancelled'; readonly by: 'us' | 'them'; readonly reason: string }
  | { readonly status: 'failed'; readonly reason: string }

export interface TransferInit {
  readonly id: string
  readonly peer: string
  readonly direction: 'in' | 'out'
  readonly name: string
  readonly sizeBytes: number
  readonly status: 'queued' | 'offered'
}

/** One file on its way, or what became of it. Signals, for whoever shows it. */
export class Transfer {
  readonly id: string
  readonly peer: string
  readonly direction: 'in' | 'out'
  readonly name: string
  readonly sizeBytes: number
  readonly state: Signal<TransferState>
  /** What the receiver has stored. */
  readonly storedBytes = signal(0)
  readonly bytesPerSecond = signal<number | undefined>(undefined)
  /** In: the whole file, when it is there. */
  readonly contents = signal<Blob | undefined>(undefined)
  /** In: when it was last handed to the browser's downloads, in ms since the Unix epoch. */
  readonly savedAt = signal<number | undefined>(undefined)
  readonly isOver: ReadonlySignal<boolean>
  /** Out: what was handed to a link; what a link took down with it is handed to the next one, and counts once. */
  sentBytes = 0
  /** Aborted when it is cancelled or fails. */
  readonly #abort = new AbortController()
  readonly #rate = new RateMeter()
  #stream: Stream | undefined

  constructor({ id, peer, direction, name, sizeBytes, status }: TransferInit) {
    this.id = id
    this.peer = peer
    this.direction = direction
    this.name = name
    this.sizeBytes = sizeBytes
    this.state = signal<TransferState>({ status })
    this.isOver = computed(() => ['done', 'cancelled', 'failed'].includes(this.state.value.status))
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Both ends computed the same. Undefined before both did. */
  get isIntact(): boolean | undefined {
    const { value } = this.state
    return value.status === 'done' ? value.digests.ours === value.digests.theirs : undefined
  }

  /** It goes on over this stream now; an older one is over. */
  use(stream: Stream): void {
    this.#stream?.abort(new Error('the file goes on over another stream'))
    this.#stream = stream
    if (this.signal.aborted) stream.abort(new Error('the file is over'))
  }

  progress(storedBytes: number): void {
    this.storedBytes.value = storedBytes
    this.#rate.add(storedBytes, performance.now())
    this.bytesPerSecond.value = this.#rate.bytesPerSecond
  }

  /** A pause is no part of the rate. */
  forgetRate(): void {
    this.#rate.reset()
    this.bytesPerSecond.value = undefined
  }

  /** Its stream ended before it. A stream that was replaced says nothing about it. */
  interrupted(stream: Stream, reason: string): void {
    const { status } = this.state.value
    if (stream === this.#stream && (status === 'running' || status === 'checking')) {
      this.become({ status: 'interrupted', reason })
    }
  }

  /** Unless it is over already. */
  become(state: TransferState): void {
    if (this.isOver.value) return
    if (state.status === 'interrupted') {
      this.forgetRate()
      this.sentBytes = this.storedBytes.value
    }
    this.state.value = state
    if (state.status !== 'cancelled' && state.status !== 'failed') return
    this.#abort.abort()
    this.#stream?.abort(new Error(state.reason))
  }
}
