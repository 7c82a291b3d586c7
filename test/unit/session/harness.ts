import {
  DEFAULT_SESSION_CONFIG,
  type PathInit,
  Session,
  type SessionConfig,
  type SessionEffect
} from '../../../src/session/index.ts'
import type { Frame } from '../../../src/wire/index.ts'
import { isCounted } from '../../support/counted.ts'

export const KIB = 1_024
export const MIB = 1_024 * KIB

export interface CoreInit {
  readonly side?: 0 | 1
  readonly config?: Partial<SessionConfig>
  /** Attached at time 0. */
  readonly paths?: readonly number[]
  readonly path?: Partial<PathInit>
}

/** One core without a peer: the test plays the peer, frame by frame. Time stands still unless the test moves it. */
export class Core {
  readonly session: Session
  readonly #path: PathInit
  readonly #counted = new Map<number, number>()
  now = 0

  constructor({ side = 0, config = {}, paths = [0], path = {} }: CoreInit = {}) {
    this.session = new Session({ side, config: { ...DEFAULT_SESSION_CONFIG, ...config }, now: 0 })
    this.#path = { peerStreamWindow: MIB, peerSessionWindow: 4 * MIB, limited: false, ...path }
    for (const id of paths) this.attach(id)
  }

  attach(id: number, init: Partial<PathInit> = {}): void {
    this.session.attachPath(id, { ...this.#path, ...init }, this.now)
  }

  detach(id: number): void {
    this.session.detachPath(id, this.now)
  }

  /** Frames of one receiving task. */
  receive(path: number, ...frames: Frame[]): void {
    for (const frame of frames) this.session.receive(path, frame, this.now)
    this.session.flush(this.now)
  }

  ack(path: number, sequence: number, on = path): void {
    this.receive(on, { type: 'ack', path, sequence, delayMs: 0 })
  }

  /** Opens a stream and writes that much. */
  open(bytes = 0): number {
    const stream = this.session.openStream(this.now)
    if (bytes > 0) this.session.write(stream, new Uint8Array(bytes), this.now)
    return stream
  }

  /** Acknowledges every counted frame that left on the path. */
  ackAll(path = 0): void {
    this.ack(path, this.counted(path))
  }

  /** Counted frames that left on the path. */
  counted(path: number): number {
    return this.#counted.get(path) ?? 0
  }

  effects(): SessionEffect[] {
    const effects = this.session.takeEffects()
    for (const effect of effects) {
      if (effect.type !== 'send' || !isCounted(effect.frame)) continue
      this.#counted.set(effect.path, this.counted(effect.path) + 1)
    }
    return effects
  }

  /** What is not `send`. */
  events(): SessionEffect[] {
    return this.effects().filter(({ type }) => type !== 'send')
  }

  sent(path?: number): Frame[] {
    return framesOf(this.effects(), path)
  }

  /** Runs every tick due until then. */
  advance(toMs: number): SessionEffect[] {
    const effects: SessionEffect[] = []
    for (let ticks = 0; ticks < 10_000; ticks++) {
      const at = this.session.nextWakeAt()
      if (at == null || at > toMs) {
        this.now = toMs
        return effects
      }
      this.now = Math.max(this.now, at)
      this.session.tick(this.now)
      effects.push(...this.effects())
    }
    throw new Error('The session asks for ticks without end')
  }

  /** Nothing is acknowledged on the path for one RTO while the peer is heard on another one. Returns the effects of it all. */
  silence(path: number, elsewhere: number): SessionEffect[] {
    const effects = this.advance(this.now + this.path(path).rtoMs + 1)
    this.now += 1
    this.receive(elsewhere, { type: 'ack', path: elsewhere, sequence: 0, delayMs: 0 })
    effects.push(...this.effects(), ...this.advance(this.now + 51 + (this.path(path).srttMs ?? 0)))
    return effects
  }

  path(id: number) {
    const found = this.session.paths().find(({ path }) => path === id)
    if (found == null) throw new Error(`No path ${id}`)
    return found
  }
}

export function framesOf(effects: readonly SessionEffect[], path?: number): Frame[] {
  return effects.flatMap((effect) =>
    effect.type === 'send' && (path == null || effect.path === path) ? [effect.frame] : []
  )
}

export function ofType<T extends { readonly type: string }, K extends T['type']>(
  items: readonly T[],
  type: K
): Extract<T, { readonly type: K }>[] {
  return items.filter((item): item is Extract<T, { readonly type: K }> => item.type === type)
}

export function data(stream: number, offset: number, bytes: number | Uint8Array, fin = false): Frame {
  return { type: 'stream', stream, offset, fin, data: typeof bytes === 'number' ? new Uint8Array(bytes) : bytes }
}

export function payloadBytes(frames: readonly Frame[], stream?: number): number {
  let bytes = 0
  for (const frame of ofType(frames, 'stream')) {
    if (stream == null || frame.stream === stream) bytes += frame.data.byteLength
  }
  return bytes
}

/** Two cores and one lossless path without delay between them: everything arrives at once. */
export function exchange(a: Core, b: Core, path = 0): { toA: SessionEffect[]; toB: SessionEffect[] } {
  const seen = { toA: [] as SessionEffect[], toB: [] as SessionEffect[] }
  for (let rounds = 0; rounds < 10_000; rounds++) {
    const fromA = a.effects()
    const fromB = b.effects()
    seen.toA.push(...fromA.filter(({ type }) => type !== 'send'))
    seen.toB.push(...fromB.filter(({ type }) => type !== 'send'))
    if (fromA.length === 0 && fromB.length === 0) return seen
    b.receive(path, ...framesOf(fromA, path))
    a.receive(path, ...framesOf(fromB, path))
  }
  throw new Error('The two go on without end')
}
