import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a process holds. */
export interface ProcessRemains {
  readonly heapBytes: number
  /** Of buffers outside the heap. */
  readonly externalBytes: number
  readonly rssBytes: number
  readonly fds: number
  readonly threads: number
  readonly timers: number
  /** Sockets, pipes and other things that keep a process alive; timers are counted apart. */
  readonly handles: number
}

export interface Remains extends ProcessRemains {
  /** On all event targets that are alive. */
  readonly listeners: number
  readonly connections: number
  readonly dials: number
  readonly links: number
  readonly knownPeers: number
}

/** Finalizers run between collections, and free what the next one finds. */
const COLLECTIONS = 4

/** After collections. Needs `--expose-gc`. */
export async function remainsOfProcess(): Promise<ProcessRemains> {
  for (let i = 0; i < COLLECTIONS; i++) {
    globalThis.gc?.()
    await sleep(20)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  const timers = resources.filter((kind) => kind === 'Timeout' || kind === 'Immediate').length
  return {
    heapBytes: heapUsed,
    externalBytes: external,
    rssBytes: rss,
    ...system(),
    timers,
    handles: resources.length - timers
  }
}

function system(): { fds: number; threads: number } {
  const threads = /^Threads:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return { fds: readdirSync('/proc/self/fd').length, threads: Number(threads) }
}
