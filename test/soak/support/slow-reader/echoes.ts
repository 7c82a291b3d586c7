// An echo every 50 ms on a stream of its own: what other traffic of the link does to its round trip.
import type { Stream } from '@libp2p/interface'

const INTERVAL_MS = 50

export interface Echoes {
  /** Round trips since this was last asked, in ms; those still under way count with what they have taken so far. */
  take(): number[]
  stop(): void
}

export function echoEvery50Ms(stream: Stream): Echoes {
  const underWay: number[] = []
  let roundTripsMs: number[] = []
  let openBytes = 0
  stream.addEventListener('message', ({ data }) => {
    openBytes += data.byteLength
    for (; openBytes >= 8; openBytes -= 8) roundTripsMs.push(performance.now() - underWay.shift()!)
  })
  const timer = setInterval(() => {
    if (stream.status !== 'open') return
    underWay.push(performance.now())
    stream.send(new Uint8Array(8))
  }, INTERVAL_MS)
  return {
    take() {
      const now = performance.now()
      const taken = [...roundTripsMs, ...underWay.map((at) => now - at).filter((ms) => ms > INTERVAL_MS)]
      roundTripsMs = []
      return taken
    },
    stop: () => clearInterval(timer)
  }
}
