import type { SessionCore } from '../../../src/session/index.ts'
import type { EventQueue } from './event-queue.ts'
import { fail } from './fail.ts'
import type { Direction } from './ledger.ts'
import { contentOf } from './pattern.ts'
import type { Stats } from './stats.ts'
import type { DirectionPlan } from './stream-plan.ts'

/** Writes one stream direction as planned, and waits when the core says so. */
export class Writer {
  isDone = false
  isWaiting = false
  onPaused: (forMs: number) => void = () => {}

  constructor(
    readonly session: SessionCore,
    readonly stream: number,
    readonly direction: Direction,
    readonly plan: DirectionPlan,
    readonly queue: EventQueue,
    readonly stats: Stats
  ) {}

  resume(): void {
    this.isWaiting = false
    this.run()
  }

  run(): void {
    const { session, stream, direction, plan, queue } = this
    const target = plan.resetAt ?? plan.bytes
    while (!this.isDone && !this.isWaiting) {
      if (direction.written >= target) {
        this.#end()
        return
      }
      const chunk = contentOf(
        direction.content,
        direction.written,
        Math.min(target, direction.written + plan.chunkBytes)
      )
      const { accepted, more } = session.write(stream, chunk, queue.now)
      if (accepted < 0 || accepted > chunk.byteLength) fail(`write accepted ${accepted} of ${chunk.byteLength} bytes`)
      if (accepted < chunk.byteLength && more) fail('write accepted a part and asks for more')
      direction.written += accepted
      if (!more) {
        this.isWaiting = true
        this.stats.writesRefused++
        // An application that has nothing more to write finishes without waiting.
        if (direction.written >= target) this.#end()
        return
      }
      if (plan.pauseMs > 0) {
        this.onPaused(plan.pauseMs)
        return
      }
    }
  }

  /** The reader stopped, or the session closes: nothing is written any more. */
  cutShort(): void {
    if (this.isDone) return
    this.isDone = true
    if (!this.direction.stopSeen) this.direction.finished = true
  }

  #end(): void {
    const { session, stream, direction, plan, queue } = this
    this.isDone = true
    if (plan.resetAt != null) {
      direction.resetByWriter = true
      session.reset(stream, 9, queue.now)
    } else {
      direction.finished = true
      session.finish(stream, queue.now)
    }
  }
}
