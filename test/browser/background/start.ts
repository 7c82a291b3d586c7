// Before the first test: relay and test page as for all browser tests, and a display for windows.
import { startDisplay, whyNotHeaded } from '../support/headed/index.ts'
import startServers from '../support/servers.ts'

export default async function start(): Promise<() => Promise<void>> {
  const stopServers = await startServers()
  const display = whyNotHeaded() == null ? await startDisplay() : undefined
  process.env.HOLDFAST_DISPLAY = display?.name ?? ''
  return async () => {
    await display?.stop()
    await stopServers()
  }
}
