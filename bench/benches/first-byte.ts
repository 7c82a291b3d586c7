// How long until the first byte is back: dialling a peer that is behind the same relay.
import { startRelay, type TestRelay } from '../../test/support/relay.ts'
import { droppedPackets, dropUdp, restoreUdp, whyNotDropUdp } from '../../test/support/udp.ts'
import { delayPort } from '../delay.ts'
import {
  type Bench,
  type BenchOptions,
  interleave,
  machine,
  medians,
  type Outcome,
  type PeerProcess,
  type Sample,
  startPeer
} from '../harness.ts'
import type { Dial, Ready } from '../peers/echo.ts'

const RUNS = 11
/** Stock waits 6 s each. */
const STOCK_BLOCKED_RUNS = 3

const peers = {
  ours: new URL('../peers/holdfast.ts', import.meta.url),
  stock: new URL('../peers/stock.ts', import.meta.url)
}

export const firstByte: Bench = {
  title: 'from dialling a PeerId to the first echoed byte: relayed, direct, and with ICE blocked',
  isolated: true,
  async run(options) {
    const relay = await startRelay()
    try {
      return await measure(relay, options)
    } finally {
      await relay.stop()
    }
  }
}

async function measure(relay: TestRelay, { runs = RUNS, rttMs, log }: BenchOptions): Promise<Outcome> {
  const address = relay.multiaddrs[0]!
  const wire = rttMs == null ? undefined : await delayPort(portOf(address), rttMs / 4)
  const via = wire == null ? address : address.replace(/\/tcp\/\d+/, `/tcp/${wire.port}`)
  try {
    const open = await interleave(
      [
        { name: 'ours', run: () => once(peers.ours, via, 'direct') },
        { name: 'stock relayed', run: () => once(peers.stock, via, 'relay') },
        { name: 'stock direct', run: () => once(peers.stock, via, 'direct') }
      ],
      runs,
      log
    )
    const notes: string[] = []
    const why = whyNotDropUdp()
    if (why != null) notes.push(`blockedIceMs was not measured: ${why}`)
    const blocked =
      why == null
        ? await interleave(
            [
              { name: 'ours', run: () => blockedOnce(peers.ours, via) },
              { name: 'stock', runs: STOCK_BLOCKED_RUNS, run: () => blockedOnce(peers.stock, via) }
            ],
            runs,
            (line) => log(`ICE blocked: ${line}`)
          )
        : { samples: {}, failures: [] }
    const ours = [...open.samples.ours!, ...(blocked.samples.ours ?? [])]
    const stock = ['stock relayed', 'stock direct'].flatMap((name) => open.samples[name]!)
    stock.push(...(blocked.samples.stock ?? []))
    notes.push(...[...open.failures, ...blocked.failures].map((failure) => `made again: ${failure}`))
    return {
      result: {
        name: 'first-byte',
        ours: medians(ours),
        stock: medians(stock),
        rivals: {},
        runs,
        machine: machine(),
        ...(rttMs == null ? {} : { options: { rttMs } })
      },
      samples: { ours, stock },
      notes
    }
  } finally {
    wire?.close()
  }
}

/** Two new processes, reserved at the relay before the clock starts. */
async function once(
  script: URL,
  relay: string,
  until: Dial['until'],
  { before, after }: { before?: () => Promise<void>; after?: () => Promise<void> } = {}
): Promise<Sample> {
  const started = await Promise.allSettled([startPeer<Ready>(script, { relay }), startPeer<Ready>(script, { relay })])
  const processes = started.flatMap((one): PeerProcess<Ready>[] => (one.status === 'fulfilled' ? [one.value] : []))
  try {
    for (const one of started) if (one.status === 'rejected') throw one.reason
    const [listener, dialler] = processes as [PeerProcess<Ready>, PeerProcess<Ready>]
    await before?.()
    const sample = await dialler.ask<Sample>({ ...listener.ready, until } satisfies Dial)
    await after?.()
    return sample
  } finally {
    await Promise.all(processes.map((process) => process.end()))
  }
}

async function blockedOnce(script: URL, relay: string): Promise<Sample> {
  try {
    const { relayMs } = await once(script, relay, 'fallback', { before: dropUdp, after: iceWasTried })
    return { blockedIceMs: relayMs! }
  } finally {
    await restoreUdp()
  }
}

const ICE_STARTS_WITHIN_MS = 5_000

/** Without this, a peer that does not even try for a direct path would pass for a fast one. */
async function iceWasTried(): Promise<void> {
  const deadline = Date.now() + ICE_STARTS_WITHIN_MS
  while ((await droppedPackets()) === 0) {
    if (Date.now() > deadline) throw new Error('No UDP packet was dropped: ICE was not tried')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function portOf(address: string): number {
  return Number(/\/tcp\/(\d+)/.exec(address)![1])
}
