// The relay in a process of its own that collects when told, and counts what is left of its clients.
import { createRelay, parseConfig, type Relay } from '../../../relay-server/index.ts'
import { serveParent } from './parent.ts'
import { type ProcessRemains, remainsOfProcess } from './remains.ts'

let relay: Relay

const commands = {
  async start(identityPath: string): Promise<string[]> {
    relay = await createRelay(parseConfig({ port: 0, stunPort: 0, identityPath }))
    return relay.multiaddrs
  },

  async remains(): Promise<ProcessRemains> {
    return remainsOfProcess()
  },

  async stop(): Promise<void> {
    await relay.stop()
  }
}

export type LeaksRelayCommands = typeof commands

serveParent(commands)
