// `npm run setup`: everything the browser tests want, and what this machine can do.
import { ensureBrowsers } from './browsers.ts'
import { whyNotIsolated } from './isolate.ts'

const { chromium, firefox } = await ensureBrowsers()
const reason = whyNotIsolated()
console.log(`isolated network: ${reason == null ? 'yes' : `no, ${reason}; tests that cut the network will be skipped`}`)
process.exit(chromium == null && firefox == null ? 1 : 0)
