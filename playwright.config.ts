import { defineConfig } from '@playwright/test'
import { findBrowsers } from './scripts/browsers.ts'
import type { PairOptions } from './test/browser/support/fixtures.ts'
import type { BrowserKind } from './test/browser/support/launch.ts'

const found = await findBrowsers()

/** A pair of each engine with itself, and of the two that differ; only what this machine has. */
const pairs: Array<{ name: string; browserKinds: [BrowserKind, BrowserKind] }> = [
  { name: 'chromium', browserKinds: ['chromium', 'chromium'] },
  { name: 'firefox', browserKinds: ['firefox', 'firefox'] },
  { name: 'mixed', browserKinds: ['chromium', 'firefox'] },
  { name: 'webkit', browserKinds: ['webkit', 'webkit'] }
]

const relayOnly = '**/relay-only.spec.ts'
const withWebRtc: BrowserKind = found.chromium == null ? 'firefox' : 'chromium'

export default defineConfig<PairOptions>({
  testDir: 'test/browser',
  // Those of background/ have a configuration of their own.
  testMatch: '**/test/browser/*.spec.ts',
  globalSetup: './test/browser/support/servers.ts',
  projects: [
    ...pairs
      .filter(({ browserKinds }) => browserKinds.every((kind) => found[kind] != null))
      .map(({ name, browserKinds }) => ({
        name,
        // One engine at a time can say whether it takes a self-made certificate for page and relay.
        testIgnore: name === 'mixed' ? [relayOnly, '**/lan.spec.ts'] : relayOnly,
        use: { browserKinds }
      })),
    // Once, beside WebKitGTK, which Playwright cannot drive: the spec starts it.
    { name: 'relay-only', testMatch: relayOnly, use: { browserKinds: [withWebRtc, withWebRtc] } }
  ],
  // One at a time: tests time real connections, and cutting UDP cuts it for everybody.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  globalTimeout: 14 * 60_000,
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE == null ? [['list']] : [['list'], ['json']]
})
