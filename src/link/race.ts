import type { Attempt } from './errors.ts'

/**
 * The first way has this long for itself, or until it fails: RFC 8305 section 5 says 250 ms, and no less than 100. Then all
 * others start at once: any number of dead ways costs no more than this, and 300 ms on a busy machine (decision 0024).
 */
export const STAGGER_MS = 200

export interface Way<T> {
  /** For people, in errors. */
  readonly name: string
  go(signal: AbortSignal): Promise<T>
}

/** No way led there. */
export class RaceLostError extends Error {
  static override name = 'RaceLostError'
  override name = 'RaceLostError'

  constructor(readonly attempts: readonly Attempt[]) {
    super(`${attempts.length} ways tried, none worked`)
  }
}

/**
 * The first way that works; the others are aborted then. They start one after another as each fails, and all that are left
 * together when the stagger is over. `isFinal` errors end the race at once: they are answers, not failures.
 *
 * @throws {RaceLostError} with what every way answered
 */
export async function race<T>(
  ways: readonly Way<T>[],
  signal: AbortSignal,
  isFinal: (error: Error) => boolean = () => false
): Promise<T> {
  const controller = new AbortController()
  const joint = AbortSignal.any([signal, controller.signal])
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const attempts: Attempt[] = []
  let next = 0
  let running = 0

  const start = (): void => {
    const way = ways[next]
    if (way == null) {
      if (running === 0) reject(new RaceLostError(attempts))
      return
    }
    next++
    running++
    way.go(joint).then(resolve, (error: Error) => {
      // The race is over, and this way ended because of that.
      if (joint.aborted) return
      running--
      attempts.push({ address: way.name, error })
      if (isFinal(error)) reject(error)
      else start()
    })
  }
  const startAll = (): void => {
    while (next < ways.length) start()
  }

  const onAbort = (): void => {
    for (const way of ways.slice(0, next)) {
      if (!attempts.some(({ address }) => address === way.name))
        attempts.push({ address: way.name, error: timedOut(signal) })
    }
    reject(new RaceLostError(attempts))
  }
  signal.addEventListener('abort', onAbort)
  const timer = setTimeout(startAll, STAGGER_MS)
  if (signal.aborted) onAbort()
  else start()
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    controller.abort(new Error('another way was faster'))
  }
}

function timedOut(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('no answer in time')
}
