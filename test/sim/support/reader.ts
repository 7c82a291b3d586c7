import type { ReaderPlan } from './stream-plan.ts'

export interface ReaderActions {
  consume(bytes: number): void
  /** Delivered bytes the reader never takes. */
  drop(bytes: number): void
  stop(): void
  /** After the effects in hand. */
  later(run: () => void): void
  after(ms: number, run: () => void): void
}

/** Reads one stream direction as planned. */
export class Reader {
  #plan: ReaderPlan
  readonly #actions: ReaderActions
  #waiting = 0
  #delivered = 0
  #paused = false
  #ticking = false
  #over = false

  constructor(plan: ReaderPlan, actions: ReaderActions) {
    this.#plan = plan
    this.#actions = actions
    if (plan.kind === 'paused') {
      this.#paused = true
      actions.after(plan.forMs, () => this.#resume())
    }
    this.#stopIfPlanned()
  }

  onData(bytes: number): void {
    this.#waiting += bytes
    this.#delivered += bytes
    const plan = this.#plan
    if (plan.kind === 'slow') this.#tick(plan.everyMs, plan.bytes)
    else if (!this.#paused) this.#take(this.#waiting)
    this.#stopIfPlanned()
  }

  /** All data is here, though not necessarily taken. */
  onOver(): void {
    this.#over = true
  }

  onReset(): void {
    this.#over = true
    this.#drop()
  }

  hurry(): void {
    if (this.#plan.kind === 'slow') this.#plan = { kind: 'eager' }
    this.#actions.later(() => this.#resume())
  }

  #resume(): void {
    this.#paused = false
    if (this.#waiting > 0) this.#take(this.#waiting)
  }

  #tick(everyMs: number, bytes: number): void {
    if (this.#ticking) return
    this.#ticking = true
    this.#actions.after(everyMs, () => {
      this.#ticking = false
      if (this.#waiting === 0) return
      this.#take(Math.min(this.#waiting, bytes))
      if (this.#waiting > 0) this.#tick(everyMs, bytes)
    })
  }

  #take(bytes: number): void {
    this.#waiting -= bytes
    this.#actions.consume(bytes)
  }

  #drop(): void {
    this.#actions.drop(this.#waiting)
    this.#waiting = 0
  }

  #stopIfPlanned(): void {
    const plan = this.#plan
    if (plan.kind !== 'stop' || this.#over || this.#delivered < plan.atBytes) return
    this.#actions.later(() => {
      if (this.#over) return
      this.#over = true
      this.#actions.stop()
      this.#drop()
    })
  }
}
