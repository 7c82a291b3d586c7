// WebKitGTK by WebDriver: a browser without RTCPeerConnection, so a peer that can only be relayed.
import { WebKitPage } from '../../../browser/support/webkit/webkit-driver.ts'
import type { Runtime } from './runtime.ts'
import { serve } from './site.ts'

export async function start(): Promise<Runtime> {
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
