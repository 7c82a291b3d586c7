// One peer of an outage as a process of its own, so that it can be killed, stopped and started again as the same peer. Does
// what the test asks over IPC; ends when that does.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Holding, holdLinks } from './holdfast-peer.ts'
import { type PeerInit, type Told, Traffic } from './traffic.ts'

// Before anything that takes time: a test may give up a peer that is still starting.
process.on('disconnect', () => process.exit())

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const init = JSON.parse(process.argv[2] ?? '{}') as PeerInit
const holding: Holding = await (init.stock === true ? (await import('./stock-peer.ts')).holdConnections : holdLinks)(
  init
)
const traffic = new Traffic(holding.node)
await traffic.serve()

const commands = {
  peerId: async () => holding.node.peerId.toString(),
  addresses: async () => holding.addresses(),
  dial: holding.dial,
  whenDirect: holding.whenDirect,
  situation: async () => holding.situation(),
  links: async () => holding.links(),
  startEcho: async (peerId: string) => traffic.startEcho(await holding.connection(peerId)),
  startBulk: async (peerId: string) => traffic.startBulk(await holding.connection(peerId)),
  stopEcho: () => traffic.stopEcho(),
  stopBulk: () => traffic.stopBulk(),
  sunk: () => traffic.sunk(),
  tally: async () => traffic.tally(),
  /** Resolves with the time of the first delivery after that. */
  deliveredAfter: (at: number) => traffic.deliveredAfter(at),
  memory: async () => {
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    return { bytes: heapUsed + external, held: holding.held() }
  },
  /** Sleeps until somebody sends SIGCONT. */
  freeze: async () => {
    setImmediate(() => process.kill(process.pid, 'SIGSTOP'))
  },
  die: async () => {
    process.kill(process.pid, 'SIGKILL')
  },
  stop: async () => {
    await holding.node.stop()
  }
}

export type Commands = typeof commands

const tell = (message: Told): void => {
  if (process.connected) process.send?.(message)
}

process.on('message', async ({ id, name, argument }: { id: number; name: keyof Commands; argument: never }) => {
  try {
    tell({ id, result: await commands[name](argument) })
  } catch (err) {
    tell({ id, error: (err as Error).stack ?? String(err) })
  }
})
tell({ id: 0 })
