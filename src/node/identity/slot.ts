/** How long a page waits for the document before it, in the same tab, to let go of its identity. */
const WAIT_MS = 1_000

/** Tabs of one browser with an identity of their own that is kept; further ones get one that is not. */
const MAX_SLOTS = 64

/**
 * One of the places where this origin keeps an identity. Whoever holds its lock uses it; locks end with their page, however
 * it ends (https://w3c.github.io/web-locks/).
 */
export class Slot {
  readonly name: string
  readonly index: number
  #release: (() => void) | undefined

  private constructor(name: string, index: number) {
    this.name = name
    this.index = index
  }

  /** The tab's own slot before a reload, else the first that nobody uses; undefined when all are used. */
  static async claim(name: string, own: number | undefined): Promise<Slot | undefined> {
    if (own != null && Number.isInteger(own) && own >= 0 && own < MAX_SLOTS) {
      const slot = new Slot(name, own)
      if (await slot.#lock(isReload() ? { signal: AbortSignal.timeout(WAIT_MS) } : { ifAvailable: true })) return slot
    }
    for (let index = 0; index < MAX_SLOTS; index++) {
      const slot = new Slot(name, index)
      if (await slot.#lock({ ifAvailable: true })) return slot
    }
    return undefined
  }

  /** Under this name its key is stored. */
  get key(): string {
    return `${this.name}/${this.index}`
  }

  release(): void {
    this.#release?.()
    this.#release = undefined
  }

  /** False: another tab has taken it meanwhile. */
  async reclaim(): Promise<boolean> {
    return this.#release != null || (await this.#lock({ signal: AbortSignal.timeout(WAIT_MS) }))
  }

  #lock(options: LockOptions): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const request = navigator.locks.request(`libp2p-holdfast/identity/${this.key}`, options, (lock) => {
      if (lock == null) return
      const held = Promise.withResolvers<void>()
      this.#release = held.resolve
      resolve(true)
      return held.promise
    })
    // Settles at once when the lock was not to be had, and else when it is given back.
    request.then(
      () => resolve(false),
      () => resolve(false)
    )
    return promise
  }
}

/** The document before this one had the same tab, and may not have ended yet. */
function isReload(): boolean {
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  return navigation?.type === 'reload' || navigation?.type === 'back_forward'
}
