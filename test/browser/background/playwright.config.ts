// Hidden and frozen tabs: minutes of waiting, so all tests at once, each in a browser of its own with next to nothing to
// do, beside the rest of `npm test`.   npm test -- background
import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  globalSetup: './start.ts',
  projects: [{ name: 'background' }],
  workers: 6,
  fullyParallel: true,
  retries: 0,
  forbidOnly: true,
  timeout: 11 * 60_000,
  globalTimeout: 12 * 60_000,
  // Not in test-results, which the other browser tests empty when they start.
  outputDir: '../../../playwright-report/background',
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE == null ? [['list']] : [['list'], ['json']]
})
