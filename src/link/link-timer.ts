/** The one timer of a link, which tells how late it fired. */
export class LinkTimer {
  readonly #now: () => number
  readonly #onFire: (lateMs: number) => void
  #armed: { readonly handle: ReturnType<typeof setTimeout>; readonly dueAt: number } | undefined

  constructor(now: () => number, onFire: (lateMs: number) => void) {
    this.#now = now
    this.#onFire = onFire
  }

  /** How long ago it should have fired, and has not yet. */
  get lateMs(): number {
    return this.#armed == null ? 0 : Math.max(0, this.#now() - this.#armed.dueAt)
  }

  /** Replaces what was armed before; undefined: nothing is due. */
  arm(dueAt: number | undefined): void {
    this.stop()
    if (dueAt == null) return
    const handle = setTimeout(() => this.#fire(dueAt), Math.max(1, dueAt - this.#now()))
    this.#armed = { handle, dueAt }
  }

  stop(): void {
    clearTimeout(this.#armed?.handle)
    this.#armed = undefined
  }

  #fire(dueAt: number): void {
    this.#armed = undefined
    this.#onFire(this.#now() - dueAt)
  }
}
