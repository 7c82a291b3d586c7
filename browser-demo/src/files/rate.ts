/** Long enough to be steady, short enough to follow a change of path. */
const windowMs = 3_000

/** Bytes per second over the last few seconds. Time is an argument. */
export class RateMeter {
  readonly #samples: Array<{ readonly atMs: number; readonly bytes: number }> = []

  /** `bytes` is the total so far; a smaller one than before starts anew. */
  add(bytes: number, nowMs: number): void {
    const last = this.#samples.at(-1)
    if (last != null && bytes < last.bytes) this.reset()
    this.#samples.push({ atMs: nowMs, bytes })
    while (this.#samples.length > 2 && nowMs - this.#samples[0]!.atMs > windowMs) this.#samples.shift()
  }

  /** What was is no measure of what comes: after a stall. */
  reset(): void {
    this.#samples.length = 0
  }

  /** Undefined until two samples are some way apart. */
  get bytesPerSecond(): number | undefined {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (first == null || last == null || last.atMs - first.atMs < 150) return undefined
    return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs)
  }
}
