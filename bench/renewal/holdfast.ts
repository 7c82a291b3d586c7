// A peer with Holdfast, as an application makes it: the preset, one relay, and the other's PeerId to dial.
import { peerIdFromString } from '@libp2p/peer-id'
import { createNode, type HoldfastNode, type Link } from 'libp2p-holdfast'
import { servePeer } from '../harness.ts'
import { type Ready, settle, whenReachable } from '../peers/echo.ts'
import {
  type Ask,
  Bulk,
  type Dial,
  type Join,
  type PathSeen,
  type Send,
  type Setup,
  type Tally,
  whenThere
} from './bulk.ts'

let node: HoldfastNode
let circuits = 0
const seen: PathSeen[] = []
const bulk = new Bulk()

async function setUp({ relay }: Setup): Promise<Ready> {
  node = await createNode({ relays: [relay] })
  node.services.links.addEventListener('link:open', ({ detail }) => watch(detail))
  await bulk.serve(node)
  const addresses = await whenReachable(node, relay)
  await settle()
  return { peerId: node.peerId.toString(), addresses }
}

function watch(link: Link): void {
  // The first one is attached before anybody can listen.
  circuits += link.paths.filter(({ kind }) => kind === 'relayed').length
  for (const type of ['path:open', 'path:select', 'path:close'] as const) {
    link.addEventListener(type, ({ detail: { path, cause } }) => {
      if (type === 'path:open' && path.kind === 'relayed') circuits++
      const left = path.budget?.remainingBytes
      seen.push({ at: Date.now(), what: `${type} ${path.kind} ${path.id} ${left ?? ''}: ${cause}` })
    })
  }
  link.addEventListener('link:state', ({ detail: { state, previous, cause } }) => {
    if (state.status !== previous.status) seen.push({ at: Date.now(), what: `${state.status}: ${cause}` })
  })
}

servePeer(async (command: Setup | Dial | Join | Send | Ask) => {
  switch (command.do) {
    case 'setUp':
      return setUp(command)
    case 'dial':
      await node.services.links.dial(peerIdFromString(command.peerId))
      return undefined
    case 'join':
      return whenThere(() => node.services.links.get(peerIdFromString(command.peerId)) != null)
    case 'send':
      return bulk.send(await node.dial(peerIdFromString(command.peerId)), command.bytes)
    case 'tally':
      return { ...bulk.tally, circuits, seen } satisfies Tally
  }
})
