// `npm run screenshot`: the picture of the demo page in README.md, of the real thing: what `npm start` starts, two pages
// that are linked direct, chat, and do without the direct path for a while. The picture is docs/images/demo.png.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium, type Page } from '@playwright/test'
import { findBrowsers } from './browsers.ts'
import { isolated, whyNotIsolated } from './isolate.ts'
import { root } from './processes.ts'

const PATIENCE_MS = 30_000

/** How long each state lasts: the plot and the timeline show it. */
const BAND_MS = 10_000

const picture = join(root, 'docs', 'images', 'demo.png')

async function main(): Promise<void> {
  const { chromium: found } = await findBrowsers()
  if (found == null) throw new Error('Chromium is not installed: npm run setup')
  const start = spawn(process.execPath, [join(root, 'scripts', 'start.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
  const browser = await chromium.launch({
    ...found,
    args: process.platform === 'linux' ? ['--no-sandbox', '--disable-gpu'] : []
  })
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1040 }, reducedMotion: 'reduce' })
    const alice = await context.newPage()
    await alice.goto(await printedUrl(start))
    await alice.getByText('Others can dial you').waitFor({ timeout: PATIENCE_MS })
    const link = await alice.getByTestId('share-link').getAttribute('href')
    const bob = await (await browser.newContext()).newPage()
    await bob.goto(link ?? '')
    for (const page of [alice, bob]) await page.locator('[data-state=direct]').waitFor({ timeout: PATIENCE_MS })
    await chat([
      [bob, 'Hello!'],
      [alice, 'Hello. We began over the relay, and are direct already.']
    ])
    await alice.waitForTimeout(BAND_MS)
    await alice.locator('summary', { hasText: 'Chaos' }).click()
    await alice.getByRole('switch', { name: 'Forbid direct paths' }).check()
    await alice.locator('[data-state=relayed]').waitFor({ timeout: PATIENCE_MS })
    await chat([
      [bob, 'You just forbade the direct path.'],
      [alice, 'And nothing was lost: this came over the relay.']
    ])
    await alice.waitForTimeout(BAND_MS)
    await alice.getByRole('switch', { name: 'Forbid direct paths' }).uncheck()
    await alice.locator('[data-state=direct]').waitFor({ timeout: PATIENCE_MS })
    await alice.waitForTimeout(BAND_MS)
    await alice.locator('summary', { hasText: 'Chaos' }).click()
    await alice.evaluate(() => scrollTo(0, 0))
    await alice.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
    mkdirSync(join(root, 'docs', 'images'), { recursive: true })
    await alice.screenshot({ path: picture })
    console.log(`Written: ${picture}`)
  } finally {
    await browser.close()
    start.kill('SIGTERM')
    if (start.exitCode == null) await once(start, 'exit')
  }
}

async function printedUrl({ stdout }: { stdout: NodeJS.ReadableStream }): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const url = /http:\/\/localhost:\d+\//.exec(line)?.[0]
    if (url != null) return url
  }
  throw new Error('npm start ended before it printed an address, see above')
}

async function chat(lines: ReadonlyArray<readonly [Page, string]>): Promise<void> {
  for (const [page, text] of lines) {
    await page.getByRole('textbox', { name: 'Message' }).fill(text)
    await page.keyboard.press('Enter')
    for (const other of lines) await other[0].getByText(text).waitFor({ timeout: PATIENCE_MS })
  }
}

if (process.env.HOLDFAST_ISOLATED === '1' || whyNotIsolated() != null) await main()
else {
  const { command, args, env } = isolated(process.execPath, [import.meta.filename])
  const [code] = await once(spawn(command, args, { env, stdio: 'inherit' }), 'exit')
  process.exit(code)
}
