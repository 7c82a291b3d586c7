// Tests wait for what they are about, never for time to pass.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Link, LinkState } from '../../src/index.ts'

/** Far above what anything here takes on a busy machine: a test that gets there fails with the name of what did not come. */
const TIMEOUT_MS = 20_000

export interface WaitOptions {
  timeoutMs?: number
}

interface Target {
  addEventListener(type: string, listener: (event: Event) => void): void
  removeEventListener(type: string, listener: (event: Event) => void): void
}

/** The next event of this type that the predicate accepts. */
export async function waitFor<T = unknown>(
  target: object,
  type: string,
  predicate: (detail: T) => boolean = () => true,
  { timeoutMs = TIMEOUT_MS }: WaitOptions = {}
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const listener = (event: Event): void => {
    const { detail } = event as CustomEvent<T>
    if (predicate(detail)) resolve(detail)
  }
  const timer = setTimeout(() => reject(new Error(`no ${type} event within ${timeoutMs} ms`)), timeoutMs)
  ;(target as Target).addEventListener(type, listener)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    ;(target as Target).removeEventListener(type, listener)
  }
}

/** Resolves when the link is, or already was, in this state; fails when it closes instead. */
export async function waitForState(
  link: Link,
  status: LinkState['status'] | ((state: LinkState) => boolean),
  options?: WaitOptions
): Promise<LinkState> {
  const isIt = (state: LinkState): boolean => (typeof status === 'string' ? state.status === status : status(state))
  if (isIt(link.state)) return link.state
  try {
    await waitFor<{ state: LinkState }>(
      link,
      'link:state',
      ({ state }) => isIt(state) || state.status === 'closed',
      options
    )
  } catch (err) {
    throw new Error(`link never got ${status}: it is ${JSON.stringify(link.state)} after ${story(link)}`, {
      cause: err
    })
  }
  if (!isIt(link.state)) throw new Error(`link is ${link.state.status}, not ${status}, after ${story(link)}`)
  return link.state
}

/** For what tells nobody when it changes: sockets, connections, memory. Looks again and again until the check holds. */
export async function eventually(
  what: string,
  check: () => boolean | Promise<boolean>,
  { timeoutMs = TIMEOUT_MS }: WaitOptions = {}
): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await sleep(20)
  }
}

/** Fails when the promise takes longer. */
export async function within<T>(timeoutMs: number, what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what}: not within ${timeoutMs} ms`)), timeoutMs)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What happened to a link, in one line. */
export function story(link: Link): string {
  return link.history.map(({ from, to, cause }) => `${from}->${to} (${cause})`).join(', ')
}
