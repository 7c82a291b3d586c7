// WebKitGTK by WebDriver: a browser without RTCPeerConnection, so a peer that can only be relayed.
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { WebKitPage } from '../../../browser/support/webkit/webkit-driver.ts'
import type { Runtime } from './runtime.ts'
import { serve } from './site.ts'

/** WebKitWebDriver listens on both loopback addresses or not at all, and hosts of the lab have no IPv6: `lo` gets it here. */
const loopbackWithoutIpv6 = '/proc/sys/net/ipv6/conf/lo/disable_ipv6'

export async function start(): Promise<Runtime> {
  if (existsSync(loopbackWithoutIpv6)) await writeFile(loopbackWithoutIpv6, '0')
  const page = await WebKitPage.launch()
  return {
    async open({ url, site, globals }) {
      await page.goto(url ?? (await serve(site!)))
      if (url == null) await page.waitFor(() => (globalThis as { ready?: boolean }).ready === true)
      await page.evaluate((all) => void Object.assign(globalThis, all), globals)
      return {
        // biome-ignore lint/security/noGlobalEval: the test's own function, as text
        evaluate: (expression) => page.evaluate((text) => globalThis.eval(text), expression),
        errors: () => page.errors(),
        close: async () => {}
      }
    },
    stop: () => page.close()
  }
}
