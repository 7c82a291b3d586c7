// Two people in the lab: one dials the other by PeerId.
import { eventually } from '../../support/wait-for.ts'
import type { LabRelay, Peer } from '../peers/index.ts'

/** Far above what any browser takes. */
const DIRECT_TIMEOUT_MS = 20_000

/** What an agent finds as globals. */
export function globalsOf({ multiaddrs, stunUrl }: LabRelay): Record<string, unknown> {
  return { relays: multiaddrs, stunUrl }
}

/** Both reachable at the relay; resolves with their PeerIds. */
export async function startPeople(...peers: Peer[]): Promise<string[]> {
  return Promise.all(
    peers.map((peer) =>
      peer.evaluate(async () => {
        globalThis.person = await Person.start({ relays, stunServers: [stunUrl] })
        return person.peerId
      })
    )
  )
}

/** The same without Holdfast. */
export async function startStockPeople(...peers: Peer[]): Promise<string[]> {
  return Promise.all(
    peers.map((peer) =>
      peer.evaluate(async () => {
        globalThis.stockPerson = await StockPerson.start({ relays, stunServers: [stunUrl] })
        return stockPerson.peerId
      })
    )
  )
}

export async function whenDirect(peer: Peer): Promise<void> {
  await peer.evaluate(
    (timeoutMs) => person.link.whenDirect({ signal: AbortSignal.timeout(timeoutMs) }),
    DIRECT_TIMEOUT_MS
  )
}

/** When the link became direct, in ms since the Unix epoch. */
export async function directAt(peer: Peer): Promise<number> {
  const seen = await peer.evaluate(() => person.seen)
  return seen.find(({ what }) => what.startsWith('direct'))?.at ?? Number.NaN
}

/** Resolves when the first attempt at a direct path has failed, with the times at which it began and ended. */
export async function whenFirstAttemptFailed(dialler: Peer): Promise<{ beganAt: number; endedAt: number }> {
  const changes = () =>
    dialler.evaluate(() =>
      person.states.flatMap(({ at, state }) => {
        const upgrade = state.status === 'relayed' ? state.upgrade : undefined
        return [
          { at, upgrade: upgrade?.status, attempt: upgrade != null && 'attempt' in upgrade ? upgrade.attempt : 0 }
        ]
      })
    )
  const find = async (status: string) =>
    (await changes()).find(({ upgrade, attempt }) => upgrade === status && attempt === 1)?.at
  await eventually('the first attempt at a direct path fails', async () => (await find('backoff')) != null)
  return { beganAt: (await find('trying')) ?? Number.NaN, endedAt: (await find('backoff')) ?? Number.NaN }
}

export interface PathSeen {
  kind: string
  role: string
  sentBytes: number
  receivedBytes: number
}

export function pathsOf(peer: Peer): Promise<PathSeen[]> {
  return peer.evaluate(() =>
    person.link.paths.map(({ kind, role, sentBytes, receivedBytes }) => ({ kind, role, sentBytes, receivedBytes }))
  )
}

/** Every state the link was in, from its first one to now. */
export function statusesOf(peer: Peer): Promise<string[]> {
  return peer.evaluate(() => [
    ...new Set([...person.link.history.map(({ to }) => to), ...person.states.map(({ state }) => state.status)])
  ])
}
