// A page in WebKitGTK, driven by plain W3C WebDriver: Playwright cannot drive Debian's build. A real browser without
// RTCPeerConnection.
import { setTimeout as delay } from 'node:timers/promises'
import { startDisplay, startDriver } from './processes.ts'
import { recordErrors } from './recorder.ts'

const START_TIMEOUT_MS = 20_000
const SCRIPT_TIMEOUT_MS = 60_000

/** The first script of a page may run before its modules have. */
const POLL_MS = 50

export class WebKitPage {
  readonly #session: string
  readonly #stops: Array<() => Promise<void>>

  static async launch(): Promise<WebKitPage> {
    const display = await startDisplay()
    const stops = [display.stop]
    try {
      const driver = await startDriver(display.name)
      stops.unshift(driver.stop)
      return new WebKitPage(await openSession(driver.url), stops)
    } catch (error) {
      for (const stop of stops) await stop()
      throw error
    }
  }

  private constructor(session: string, stops: Array<() => Promise<void>>) {
    this.#session = session
    this.#stops = stops
  }

  /** Open a page by way of the recorder: at another port than its own. */
  async goto(url: string): Promise<void> {
    const { origin, pathname, search, hash } = new URL(url)
    const recorder = await recordErrors(origin)
    this.#stops.unshift(recorder.stop)
    await command('POST', `${this.#session}/url`, { url: new URL(pathname + search + hash, recorder.url).href })
  }

  /** Errors of the page since it was opened: on its console, uncaught, and what could not be loaded. */
  errors(): Promise<string[]> {
    return this.evaluate(() => globalThis.recordedErrors)
  }

  /** As Playwright's: the function travels as text, its argument and result as JSON. */
  async evaluate<T, A = undefined>(run: (argument: A) => T | Promise<T>, argument?: A): Promise<T> {
    const script = `
      const [argument, done] = arguments
      Promise.resolve().then(() => (${run})(argument === null ? undefined : JSON.parse(argument))).then(
        (value) => done({ value: value === undefined ? null : JSON.stringify(value) }),
        (error) => done({ error: String(error) + '\\n' + error?.stack })
      )`
    const args = [argument === undefined ? null : JSON.stringify(argument)]
    const answer = (await command('POST', `${this.#session}/execute/async`, { script, args })) as {
      value?: string | null
      error?: string
    }
    if (answer.error != null) throw new Error(`In WebKitGTK: ${answer.error}`)
    return (answer.value == null ? undefined : JSON.parse(answer.value)) as T
  }

  async waitFor(condition: () => boolean): Promise<void> {
    const end = Date.now() + START_TIMEOUT_MS
    while (!(await this.evaluate(condition))) {
      if (Date.now() > end) throw new Error(`In WebKitGTK this did not come true: ${condition}`)
      await delay(POLL_MS)
    }
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) await stop()
  }
}

async function openSession(driverUrl: string): Promise<string> {
  await whenReady(driverUrl)
  const alwaysMatch = {
    browserName: 'MiniBrowser',
    'webkitgtk:browserOptions': { args: ['--automation'] },
    timeouts: { script: SCRIPT_TIMEOUT_MS, pageLoad: START_TIMEOUT_MS }
  }
  const { sessionId } = (await command('POST', `${driverUrl}/session`, { capabilities: { alwaysMatch } })) as {
    sessionId: string
  }
  return `${driverUrl}/session/${sessionId}`
}

/** The driver says nothing when it listens. */
async function whenReady(driverUrl: string): Promise<void> {
  const end = Date.now() + START_TIMEOUT_MS
  for (;;) {
    try {
      await command('GET', `${driverUrl}/status`)
      return
    } catch (error) {
      if (Date.now() > end) throw new Error('WebKitWebDriver does not answer', { cause: error })
      await delay(POLL_MS)
    }
  }
}

async function command(method: string, url: string, body?: unknown): Promise<unknown> {
  const response = await fetch(url, { method, body: body == null ? undefined : JSON.stringify(body) })
  const { value } = (await response.json()) as { value: unknown }
  if (!response.ok) throw new Error(`WebKitWebDriver: ${JSON.stringify(value)}`)
  return value
}
