// One transfer through the circuits of a relay of its own, between two new peers.
import { startRelay, type TestRelay } from '../../test/support/relay.ts'
import { droppedPackets, dropUdp, restoreUdp } from '../../test/support/udp.ts'
import { delayPort } from '../delay.ts'
import { type PeerProcess, startPeer } from '../harness.ts'
import type { Ready } from '../peers/echo.ts'
import type { Ask, Dial, Gap, Join, PathSeen, Send, Setup, Tally } from './bulk.ts'
import { type RelayWork, workOf } from './relay-work.ts'

export interface TransferInit {
  readonly script: URL
  readonly bytes: number
  /** Both send as much at once. */
  readonly both: boolean
  readonly rttMs: number
  /** Of the relay; what a stock relay has if left out. */
  readonly limitBytes?: number
  readonly limitSeconds?: number
}

export interface Transfer {
  /** Of both directions. */
  readonly takenBytes: number
  readonly receivedBytes: number
  readonly bytesLost: number
  readonly gapMsMax: number
  /** Of each direction, the slower one. */
  readonly goodputKiBps: number
  readonly circuits: number
  /** Without it, whoever does not even look for a direct path would spare the circuits that work. */
  readonly isIceTried: boolean
  /** All of it came, and is what was sent. */
  readonly isWhole: boolean
  /** What the relay did meanwhile, per byte that arrived. */
  readonly relayBytesPerByte: number
  readonly relayCpuMsPerMiB: number
  /** For people: how each sender ended, the longest gaps, and what happened to the paths. */
  readonly endings: readonly string[]
  readonly gaps: readonly Gap[]
  readonly seen: readonly PathSeen[]
}

const LOOK_EVERY_MS = 250

/** Longer than any pause a link makes while it can go on: what has not come then does not come. */
const NOTHING_MORE_MS = 8_000

type Peer = PeerProcess<Ready>
type Command = Setup | Dial | Join | Send | Ask

export async function transfer(init: TransferInit): Promise<Transfer> {
  const { limitBytes, limitSeconds, rttMs } = init
  const relay = await startRelay({ stock: true, limitBytes, limitSeconds })
  const address = relay.multiaddrs[0]!
  const wire = await delayPort(Number(/\/tcp\/(\d+)/.exec(address)![1]), rttMs / 4)
  try {
    return await over(relay, address.replace(/\/tcp\/\d+/, `/tcp/${wire.port}`), init)
  } finally {
    wire.close()
    await relay.stop()
    await restoreUdp()
  }
}

async function over(relay: TestRelay, via: string, { script, bytes, both }: TransferInit): Promise<Transfer> {
  const setUp: Setup = { do: 'setUp', relay: via }
  const started = await Promise.allSettled([startPeer<Ready>(script, setUp), startPeer<Ready>(script, setUp)])
  const peers = started.flatMap((one): Peer[] => (one.status === 'fulfilled' ? [one.value] : []))
  try {
    for (const one of started) if (one.status === 'rejected') throw one.reason
    const [listener, dialler] = peers as [Peer, Peer]
    await dropUdp()
    await ask(dialler, { do: 'dial', ...listener.ready })
    await ask(listener, { do: 'join', peerId: dialler.ready.peerId })
    const before = workOf(relay.pid)
    const { peerId } = listener.ready
    await Promise.all([
      ask(dialler, { do: 'send', peerId, bytes }),
      ...(both ? [ask(listener, { do: 'send', peerId: dialler.ready.peerId, bytes })] : [])
    ])
    const [ofDialler, ofListener] = await whenOver([dialler, listener], both ? 2 : 1)
    const isIceTried = (await droppedPackets()) > 0
    return { ...figures(ofDialler, ofListener, before, workOf(relay.pid)), isIceTried }
  } finally {
    await Promise.all(peers.map((peer) => peer.end()))
  }
}

function ask<Answer>(peer: Peer, command: Command): Promise<Answer> {
  return peer.ask<Answer>(command)
}

/** All of it has come, or nothing comes any more. */
async function whenOver(peers: readonly [Peer, Peer], streams: number): Promise<[Tally, Tally]> {
  for (;;) {
    const tallies = (await Promise.all(peers.map((peer) => ask<Tally>(peer, { do: 'tally' })))) as [Tally, Tally]
    const receiving = tallies.flatMap((tally) => tally.receiving ?? [])
    const sending = tallies.flatMap((tally) => tally.sending ?? [])
    const [first, second] = tallies
    const isWhole =
      receiving.length === streams && [whole(first, second), whole(second, first)].every((one) => one !== false)
    const isOver =
      receiving.length > 0 &&
      receiving.every(({ quietMs }) => quietMs > NOTHING_MORE_MS) &&
      sending.every(({ status }) => status !== 'open')
    if (isWhole || isOver) return tallies
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

/** `undefined` where nothing was to be sent. */
function whole({ sending }: Tally, { receiving }: Tally): boolean | undefined {
  return sending == null ? undefined : sending.hash === receiving?.hash
}

const KIB = 1_024
const MIB = 1_048_576

function figures(dialler: Tally, listener: Tally, before: RelayWork, after: RelayWork) {
  const directions = [
    { from: dialler, to: listener },
    { from: listener, to: dialler }
  ].filter(({ from }) => from.sending != null)
  const takenBytes = sum(directions.map(({ from }) => from.sending!.takenBytes))
  const receivedBytes = sum(directions.map(({ to }) => to.receiving?.bytes ?? 0))
  const gaps = directions.flatMap(({ to }) => to.receiving?.gaps ?? []).sort((one, other) => other.ms - one.ms)
  const rates = directions.map(({ to: { receiving } }) =>
    receiving == null ? 0 : receiving.bytes / KIB / (receiving.ms / 1_000)
  )
  return {
    takenBytes,
    receivedBytes,
    bytesLost: takenBytes - receivedBytes,
    gapMsMax: gaps[0]?.ms ?? Number.NaN,
    goodputKiBps: Math.min(...rates),
    circuits: dialler.circuits,
    isWhole: directions.every(({ from, to }) => whole(from, to) === true),
    relayBytesPerByte: (after.readBytes - before.readBytes) / receivedBytes,
    relayCpuMsPerMiB: (after.cpuMs - before.cpuMs) / (receivedBytes / MIB),
    endings: directions.map(({ from }) => from.sending!.status),
    gaps,
    seen: [
      ...dialler.seen.map(({ at, what }) => ({ at, what: `dialler: ${what}` })),
      ...listener.seen.map(({ at, what }) => ({ at, what: `listener: ${what}` }))
    ].sort((one, other) => one.at - other.at)
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
