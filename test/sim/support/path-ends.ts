import type { HandshakeState, Session } from '../../../src/session/index.ts'
import { encodeFrame, type Frame, FrameDecoder } from '../../../src/wire/index.ts'
import type { SimPath } from './sim-path.ts'
import { describeFrame } from './trace.ts'
import type { World } from './world.ts'

/** One side's end of a path. */
export interface End {
  readonly path: SimPath
  readonly decoder: FrameDecoder
  state: HandshakeState | 'attached'
  writable: boolean
}

/** The paths as one side has them: what goes out as bytes, and when a carrier takes no more. */
export class PathEnds {
  readonly #world: World
  readonly #side: 0 | 1
  readonly #onWritable: (path: SimPath) => void
  readonly #ends = new Map<SimPath, End>()

  constructor(world: World, side: 0 | 1, onWritable: (path: SimPath) => void) {
    this.#world = world
    this.#side = side
    this.#onWritable = onWritable
  }

  get size(): number {
    return this.#ends.size
  }

  get attached(): SimPath[] {
    return [...this.#ends.values()].filter(({ state }) => state === 'attached').map(({ path }) => path)
  }

  /** Every attached carrier takes bytes. */
  get isWritable(): boolean {
    for (const { state, writable } of this.#ends.values()) if (state === 'attached' && !writable) return false
    return true
  }

  get(path: SimPath): End | undefined {
    return this.#ends.get(path)
  }

  byId(id: number): End | undefined {
    for (const end of this.#ends.values()) if (end.path.id === id) return end
    return undefined
  }

  add(path: SimPath, state: HandshakeState): void {
    this.#ends.set(path, { path, decoder: new FrameDecoder(), state, writable: true })
  }

  delete(path: SimPath): void {
    this.#ends.delete(path)
  }

  /** The process is gone, and nobody is told. */
  vanish(): void {
    for (const { path } of this.#ends.values()) path.open[this.#side] = false
    this.#ends.clear()
  }

  send(path: SimPath, frame: Frame): void {
    const { rng, trace } = this.#world
    trace?.(`side ${this.#side} path ${path.id} -> ${describeFrame(frame)}`)
    const [head, payload] = encodeFrame(frame)
    const bytes = unfilled(head!.byteLength + (payload?.byteLength ?? 0))
    bytes.set(head!)
    if (payload != null) bytes.set(payload, head!.byteLength)
    if (bytes.byteLength > 1 && rng.chance(0.05)) {
      const cut = rng.between(1, bytes.byteLength - 1)
      path.send(this.#side, bytes.slice(0, cut))
      path.send(this.#side, bytes.slice(cut))
    } else {
      path.send(this.#side, bytes)
    }
  }

  /** Tells the session which carriers have become full, and later that they take bytes again. */
  applyBackPressure(session: Session): void {
    const { queue, stats } = this.#world
    for (const end of this.#ends.values()) {
      if (!end.writable || end.state !== 'attached' || !end.path.lanes[this.#side].isFull) continue
      end.writable = false
      stats.carrierFull++
      session.setWritable(end.path.id, false, queue.now)
      this.#resumeLater(end)
    }
  }

  #resumeLater(end: End): void {
    const { queue } = this.#world
    const lane = end.path.lanes[this.#side]
    const at = lane.drainsAt
    if (at == null) return
    queue.at(at, () => {
      if (this.#ends.get(end.path) !== end) return
      if (lane.drainsAt == null || lane.drainsAt > queue.now) {
        this.#resumeLater(end)
        return
      }
      end.writable = true
      this.#onWritable(end.path)
    })
  }
}

/** Zeroing what is written at once is a tenth of a schedule's time. */
function unfilled(byteLength: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(byteLength)
  return new Uint8Array(buffer, byteOffset, byteLength)
}
