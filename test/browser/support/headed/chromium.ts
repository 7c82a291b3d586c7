// Chromium as a user starts it. Playwright's own way switches off what hidden tabs suffer from (timer throttling, lower
// priority, the back/forward cache), and makes every page believe that it is in front.
import { spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium } from '@playwright/test'
import { findBrowsers } from '../../../../scripts/browsers.ts'
import type { HeadedBrowser } from './index.ts'

const START_TIMEOUT_MS = 30_000

export async function launchChromium(display: string): Promise<HeadedBrowser> {
  const found = (await findBrowsers()).chromium
  if (found == null) throw new Error('chromium is not installed: npm run setup')
  const profile = await mkdtemp(join(tmpdir(), 'holdfast-chromium-'))
  // Nothing here concerns hidden tabs: the sandbox refuses root, and there is no GPU behind Xvfb.
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--no-default-browser-check']
  args.push('--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank')
  const child = spawn(found.executablePath ?? chromium.executablePath(), args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DISPLAY: display }
  })
  const exited = once(child, 'exit')
  const end = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const lines = createInterface({ input: child.stderr })
    const endpoint = await endpointIn(lines, AbortSignal.timeout(START_TIMEOUT_MS))
    const browser = await chromium.connectOverCDP(endpoint, { noDefaults: true, isLocal: true })
    const [context] = browser.contexts()
    if (context == null) throw new Error('Chromium has no window')
    return {
      context,
      async close() {
        await browser.close()
        await end()
      }
    }
  } catch (err) {
    await end()
    throw err
  }
}

async function endpointIn(lines: ReturnType<typeof createInterface>, signal: AbortSignal): Promise<string> {
  for await (const [line] of on(lines, 'line', { signal })) {
    const endpoint = /DevTools listening on (\S+)/.exec(line)?.[1]
    if (endpoint != null) return endpoint
  }
  throw new Error('Chromium did not say where to find its DevTools')
}
