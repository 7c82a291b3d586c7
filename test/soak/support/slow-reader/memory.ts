// What a process holds.
export interface Memory {
  /** Heap in use and buffers outside of it, after collecting garbage. */
  readonly liveBytes: number
  /** Native memory of WebRTC, and what allocators keep, included. */
  readonly residentBytes: number
}

export async function memory(): Promise<Memory> {
  // Twice, with rounds of the event loop between: buffers are freed by finalizers.
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { liveBytes: heapUsed + external, residentBytes: rss }
}

/** The largest value a number had, looked at every 20 ms. */
export function highest(value: () => number): { readonly value: number; stop(): void } {
  let max = value()
  const look = (): void => {
    max = Math.max(max, value())
  }
  const timer = setInterval(look, 20)
  return {
    get value() {
      look()
      return max
    },
    stop: () => clearInterval(timer)
  }
}
