// libp2p's compliance suites are written for mocha with globals; these give them vitest's functions, `this.timeout` included.
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from 'vitest'

interface MochaContext {
  timeout(ms: number): void
}
type Body = (this: MochaContext) => unknown

/** The suite grants its stress tests 26 minutes; whoever needs more than this here hangs. */
const MAX_TIMEOUT_MS = 120_000

/** What aegir gives each test. */
let timeoutMs = 60_000

/** Run `define` while mocha's globals are there; its tests and suites may keep using them. */
export function withMochaGlobals(define: () => void): void {
  Object.assign(globalThis, {
    describe: (name: string, body: Body) => describe(name, () => scoped(body)),
    it: (name: string, body: Body) => it(name, { timeout: timeoutMs }, async () => await body.call(ignored)),
    before: (body: Body) => beforeAll(async () => void (await body.call(ignored)), timeoutMs),
    after: (body: Body) => afterAll(async () => void (await body.call(ignored)), timeoutMs),
    beforeEach: (body: Body) => beforeEach(async () => void (await body.call(ignored)), timeoutMs),
    afterEach: (body: Body) => afterEach(async () => void (await body.call(ignored)), timeoutMs)
  })
  define()
}

/** In a suite the timeout holds for everything in it. */
function scoped(body: Body): void {
  const outer = timeoutMs
  body.call({
    timeout(ms) {
      timeoutMs = Math.min(ms, MAX_TIMEOUT_MS)
    }
  })
  timeoutMs = outer
}

/** In a test it comes too late for vitest: the suite's 60 s are enough where a test asks for more. */
const ignored: MochaContext = { timeout() {} }
