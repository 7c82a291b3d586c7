// Two talkers in the lab, in the places where ours are: behind NATs of their own, a relay on the public segment.
import { createLab, type Host, type Impairment } from '../../../natlab/index.ts'
import { type LabRelay, startLabRelay } from '../../../natlab/peers/index.ts'
import { type Program, startProgram } from '../program.ts'
import type { StockContact } from './node.ts'
import type { StockTalkerCommands } from './talker.ts'

export type Talker = Program<StockTalkerCommands>

export interface Talkers {
  readonly a: Talker
  readonly b: Talker
  readonly hosts: readonly [Host, Host]
  readonly relayHost: Host
  readonly ofA: StockContact
  readonly ofB: StockContact
}

/** In a network of their own, so that several pairs can talk at once. */
export async function withTalkers<T>(impair: Impairment, run: (talkers: Talkers) => Promise<T>): Promise<T> {
  const lab = await createLab()
  let relay: LabRelay | undefined
  try {
    const relayHost = await lab.host({ name: 'relay' })
    relay = await startLabRelay(relayHost)
    const host = async (name: string): Promise<Host> => lab.host({ name, behind: await lab.nat(), impair })
    const hosts = [await host('a'), await host('b')] as const
    const init = { relays: relay.multiaddrs, stunUrl: relay.stunUrl }
    const [a, b] = [startTalker(hosts[0]), startTalker(hosts[1])]
    const [ofA, ofB] = await Promise.all([a.ask('start', init), b.ask('start', init)])
    return await run({ a, b, hosts, relayHost, ofA, ofB })
  } finally {
    await (relay?.stop() ?? Promise.resolve()).finally(() => lab.close())
  }
}

function startTalker(host: Host): Talker {
  return startProgram<StockTalkerCommands>('stock/talker', [], host)
}
