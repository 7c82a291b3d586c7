// An echo every 50 ms on a stream of its own: what other traffic of the link does to its round trip.
import type { Stream } from '@libp2p/interface'

const INTERVAL_MS = 50
const ECHO_BYTES = 8

/** Of the time since this was last asked for. */
export interface EchoTimes {
  /** In ms; echoes still under way count with what they have taken so far. */
  readonly roundTripsMs: number[]
  /** How much later than asked for this process came to its timer, in ms: what the machine does by itself. */
  readonly lateMs: number[]
}

export interface Echoes {
  take(): EchoTimes
}

export function echoEvery50Ms(stream: Stream): Echoes {
  const underWay: number[] = []
  let roundTripsMs: number[] = []
  let lateMs: number[] = []
  let openBytes = 0
  let dueAt = performance.now() + INTERVAL_MS
  stream.addEventListener('message', ({ data }) => {
    openBytes += data.byteLength
    for (; openBytes >= ECHO_BYTES; openBytes -= ECHO_BYTES) roundTripsMs.push(performance.now() - underWay.shift()!)
  })
  const tick = (): void => {
    const now = performance.now()
    lateMs.push(now - dueAt)
    dueAt = now + INTERVAL_MS
    setTimeout(tick, INTERVAL_MS)
    if (stream.status !== 'open') return
    underWay.push(now)
    stream.send(new Uint8Array(ECHO_BYTES))
  }
  setTimeout(tick, INTERVAL_MS)
  return {
    take() {
      const now = performance.now()
      const waiting = underWay.map((at) => now - at).filter((ms) => ms > INTERVAL_MS)
      const times: EchoTimes = { roundTripsMs: [...roundTripsMs, ...waiting], lateMs }
      roundTripsMs = []
      lateMs = []
      return times
    }
  }
}
