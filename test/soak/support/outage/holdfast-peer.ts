// A peer with Holdfast, as an application makes it, and all that is worth knowing of its links.
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { Connection, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createNode, type LinkState, type Transition } from '../../../../src/index.ts'
import type { PeerInit } from './traffic.ts'

/** A state that a link had, and has until the next one; times in ms since the Unix epoch. */
export interface Situation {
  readonly at: number
  readonly status: LinkState['status'] | 'none'
  readonly standby?: string
  /** While recovering. */
  readonly since?: number
  readonly deadline?: number
  /** Name of the error it closed with. */
  readonly reason?: string
  readonly cause: string
}

/** What both contestants' peers can do. */
export interface Holding {
  readonly node: Libp2p
  addresses(): string[]
  dial(target: { peerId: string; addresses?: string[] }): Promise<{ ms: number }>
  whenDirect(peerId: string): Promise<void>
  connection(peerId: string): Promise<Connection>
  /** Every state of every link so far. */
  situation(): Situation[]
  /** How many links are there now, and their paths. */
  links(): Array<{ status: string; paths: string[]; history: readonly Transition[] }>
  /** How many objects of ended links something still refers to. */
  held(): number
}

export async function holdLinks({ relays, listen, key, upgrade, resumeWindowMs, stunUrl }: PeerInit): Promise<Holding> {
  const node = await createNode({
    relays,
    listen,
    upgrade,
    resumeWindowMs,
    stunServers: stunUrl == null ? [] : [stunUrl],
    libp2p: { privateKey: privateKeyFromProtobuf(Buffer.from(key, 'base64')) }
  })
  const { links } = node.services
  const situations: Situation[] = []
  const watched: Array<WeakRef<object>> = []
  links.addEventListener('link:open', ({ detail: link }) => {
    watched.push(new WeakRef(link), new WeakRef(link.connection))
  })
  links.addEventListener('link:state', ({ detail: { state, cause } }) => {
    situations.push({
      at: Date.now(),
      cause,
      status: state.status,
      ...(state.status === 'direct' ? { standby: state.standby } : {}),
      ...(state.status === 'recovering' ? { since: state.since, deadline: state.deadline } : {}),
      ...(state.status === 'closed' && state.reason != null ? { reason: state.reason.name } : {})
    })
  })
  return {
    node,
    addresses: () => node.getMultiaddrs().map(String),
    async dial({ peerId, addresses = [] }) {
      const start = performance.now()
      const own = addresses.find((address) => !address.includes('/p2p-circuit'))
      await links.dial(own == null ? peerIdFromString(peerId) : multiaddr(own))
      return { ms: performance.now() - start }
    },
    async whenDirect(peerId) {
      await links.get(peerIdFromString(peerId))?.whenDirect({ signal: AbortSignal.timeout(20_000) })
    },
    async connection(peerId) {
      return (await links.dial(peerIdFromString(peerId))).connection
    },
    situation: () => situations,
    links: () =>
      links.all().map(({ state, paths, history }) => ({
        status: state.status,
        paths: paths.map(({ kind, role }) => `${kind} ${role}`),
        history
      })),
    held: () => watched.filter((ref) => ref.deref() != null).length
  }
}
