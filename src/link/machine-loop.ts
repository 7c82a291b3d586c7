import type { PathStats } from '../session/index.ts'
import { TIMER_GAP_MS } from './config.ts'
import type { LinkMachine } from './link.step.ts'
import type { LinkEffect, LinkEvent } from './link-events.ts'
import { LinkTimer } from './link-timer.ts'
import { wasStalled } from './stall.step.ts'

export interface MachineLoopInit {
  readonly machine: LinkMachine
  now(): number
  paths(): PathStats[]
  perform(effect: LinkEffect): void
}

/** Feeds a link's machine one event after the other, and keeps its one timer. */
export class MachineLoop {
  readonly #init: MachineLoopInit
  readonly #timer: LinkTimer
  readonly #events: LinkEvent[] = []
  #stepping = false

  constructor(init: MachineLoopInit) {
    this.#init = init
    this.#timer = new LinkTimer(
      () => init.now(),
      (lateMs) => this.step(lateMs > TIMER_GAP_MS ? { type: 'gap', lateMs } : { type: 'tick' })
    )
  }

  /** Effects may lead to further events at once: they queue, so that the machine never runs inside itself. */
  step(event: LinkEvent): void {
    const { machine, now, paths, perform } = this.#init
    if (!this.#stepping && event.type !== 'gap' && event.type !== 'closed') this.#noticeStall()
    this.#events.push(event)
    if (this.#stepping) return
    this.#stepping = true
    try {
      for (let next = this.#events.shift(); next != null; next = this.#events.shift()) {
        for (const effect of machine.step(next, paths(), now())) perform(effect)
      }
    } finally {
      this.#stepping = false
    }
    this.#timer.arm(machine.state.status === 'closed' ? undefined : machine.wakeAt)
  }

  stop(): void {
    this.#timer.stop()
  }

  /** After a stall anything may come before our own timer, and would be judged as if the silence had been the peer's. */
  #noticeStall(): void {
    const { now, paths } = this.#init
    const { lateMs } = this.#timer
    if (wasStalled(lateMs, paths(), now())) this.#events.push({ type: 'gap', lateMs })
  }
}
