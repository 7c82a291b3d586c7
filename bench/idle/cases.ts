// What is measured side by side: pairs with a link (or stock connections), and for each of their kinds one node that has
// nothing but its reservation.
import { createLab, type Host, type Lab } from '../../test/natlab/index.ts'
import { endPeers, openPeer, type Peer } from '../../test/natlab/peers/index.ts'
import { whenDirect } from '../../test/natlab/scenarios/pair.ts'
import { TCP_CONGESTION } from '../lab/place.ts'
import { type RelayIn, startRelayIn } from '../lab/relay-in.ts'

export type CaseName = 'relayed' | 'directStandby' | 'directStandbyLimited'

export interface Case {
  readonly who: 'ours' | 'stock'
  readonly name: CaseName
  /** A stock relay with its limits, instead of one of ours without any. */
  readonly limited: boolean
}

export const cases: readonly Case[] = [
  { who: 'ours', name: 'relayed', limited: false },
  { who: 'ours', name: 'directStandby', limited: false },
  { who: 'ours', name: 'directStandbyLimited', limited: true },
  { who: 'stock', name: 'relayed', limited: false },
  { who: 'stock', name: 'directStandby', limited: false }
]

export interface Subject {
  readonly host: Host
  readonly peer: Peer
}

export interface Measured extends Case {
  /** The one who dialled first. */
  readonly pair: readonly [Subject, Subject]
  /** The same node without the other one. */
  readonly alone: Subject
}

export interface Setting {
  readonly measured: readonly Measured[]
  close(): Promise<void>
}

/** Everybody is up and linked, and has said one thing, when this resolves. */
export async function set(rttMs: number, wanted: readonly Case[], log: (line: string) => void): Promise<Setting> {
  const lab = await createLab({ congestion: TCP_CONGESTION })
  const hosts: Host[] = []
  const relays: RelayIn[] = []
  const close = async (): Promise<void> => {
    try {
      await endPeers(...hosts)
      await Promise.all(relays.map((relay) => relay.stop()))
    } finally {
      await lab.close()
    }
  }
  try {
    for (const stock of [false, true]) {
      relays.push(await startRelayIn(await lab.host({ name: stock ? 'stock relay' : 'relay' }), { stock }))
    }
    const measured = await setAll(lab, rttMs, relays, hosts, wanted, log)
    return { measured, close }
  } catch (err) {
    await close()
    throw err
  }
}

async function setAll(
  lab: Lab,
  rttMs: number,
  relays: readonly RelayIn[],
  hosts: Host[],
  wanted: readonly Case[],
  log: (line: string) => void
): Promise<Measured[]> {
  const [own, limited] = relays as [RelayIn, RelayIn]
  const alone = new Map<string, Subject>()
  const measured: Measured[] = []
  for (const one of wanted) {
    const { who, name } = one
    const relay = one.limited ? limited : own
    const start = async (): Promise<Subject> => {
      const host = await lab.host({ behind: await lab.nat(), impair: { delayMs: rttMs / 4 } })
      hosts.push(host)
      const globals = { relays: relay.multiaddrs, stunUrl: own.stunUrl }
      const peer = await openPeer(host, { kind: 'node', stock: who === 'stock', globals })
      await (who === 'stock' ? startStock(peer) : startOurs(peer, name === 'relayed' ? 'never' : 'auto'))
      return { host, peer }
    }
    const kind = `${who} ${one.limited} ${name === 'relayed'}`
    const [first, second] = [await start(), await start()]
    alone.set(kind, alone.get(kind) ?? (await start()))
    await (who === 'stock' ? linkStock(first.peer, second.peer, name) : link(first.peer, second.peer, name))
    measured.push({ ...one, pair: [first, second], alone: alone.get(kind)! })
    log(`${who} ${name} is up`)
  }
  return measured
}

async function startOurs(peer: Peer, upgrade: 'auto' | 'never'): Promise<void> {
  await peer.evaluate(async (upgrade) => {
    globalThis.person = await Person.start({ relays, stunServers: [stunUrl], upgrade })
  }, upgrade)
}

async function startStock(peer: Peer): Promise<void> {
  await peer.evaluate(async () => {
    globalThis.stockPerson = await StockPerson.start({ relays, stunServers: [stunUrl] })
  })
}

async function link(a: Peer, b: Peer, name: CaseName): Promise<void> {
  const peerId = await b.evaluate(() => person.peerId)
  await a.evaluate((peerId) => person.dial(peerId, 'first').then(() => {}), peerId)
  if (name !== 'relayed') await Promise.all([whenDirect(a), whenDirect(b)])
}

async function linkStock(a: Peer, b: Peer, name: CaseName): Promise<void> {
  const peerId = await b.evaluate(() => stockPerson.peerId)
  if (name !== 'relayed') {
    const { status } = await a.evaluate((peerId) => stockPerson.dial(peerId), peerId)
    if (status !== 'direct') throw new Error('The control did not become direct')
    return
  }
  await a.evaluate(async (peerId) => {
    const { node } = stockPerson
    const own = node.getMultiaddrs().find((address) => !address.getComponents().some(({ name }) => name === 'webrtc'))
    if (own == null) throw new Error('The control has no address at the relay')
    await node.dial(own.decapsulate('/p2p-circuit').encapsulate(`/p2p-circuit/p2p/${peerId}`))
  }, peerId)
}

/** How a pair stands, in words; the same words before and after mean that nothing happened. */
export async function standingOf({ who, pair }: Measured): Promise<string> {
  const standings = await Promise.all(
    pair.map(({ peer }) =>
      who === 'ours'
        ? peer.evaluate(() => {
            const { state, paths } = person.link
            const standby = state.status === 'direct' ? ` (${state.standby} standby)` : ''
            return `${state.status}${standby} over ${paths.map(({ kind, id }) => `${kind} ${id}`).join(' and ')}`
          })
        : peer.evaluate(() =>
            stockPerson.node
              .getConnections()
              .map(({ remoteAddr }) =>
                remoteAddr.getComponents().some(({ name }) => name === 'webrtc')
                  ? 'direct'
                  : remoteAddr.getComponents().some(({ name }) => name === 'p2p-circuit')
                    ? 'relayed'
                    : 'relay'
              )
              .sort()
              .join(' and ')
          )
    )
  )
  return [...new Set(standings)].join(' | ')
}
