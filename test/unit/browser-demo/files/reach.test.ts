// Which link a file goes over next: a decision, without a network.
import { setImmediate as nextRound } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { beforeEach, expect, it } from 'vitest'
import { reach } from '../../../../browser-demo/src/files/reach.ts'
import type { HoldfastNode, Link, LinkState } from '../../../../src/index.ts'

const never = new AbortController().signal
let peer: PeerId
let known: Link | undefined
let dialled: number
let links: EventTarget
let node: HoldfastNode

const linkThatIs = (state: LinkState): Link => ({ remotePeer: peer, state }) as Link
const direct: LinkState = { status: 'direct', standby: 'hot' }

beforeEach(async () => {
  peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  known = undefined
  dialled = 0
  links = Object.assign(new EventTarget(), {
    get: () => known,
    dial: async () => {
      dialled++
      known ??= linkThatIs(direct)
      return known
    }
  })
  node = { services: { links } } as unknown as HoldfastNode
})

it('takes the link there is', async () => {
  known = linkThatIs(direct)
  expect(await reach(node, peer, { failures: 0 }, never)).toBe(known)
  expect(dialled).toBe(0)
})

it('dials anew when the last link broke', async () => {
  const last = linkThatIs({ status: 'closed', reason: new Error('expired') })
  await reach(node, peer, { failures: 0, last }, never)
  expect(dialled).toBe(1)
})

it('waits for the next link when somebody closed the last one', async () => {
  const last = linkThatIs({ status: 'closed' })
  const reached = reach(node, peer, { failures: 0, last }, never)
  for (let round = 0; round < 5; round++) await nextRound()
  expect(dialled, 'a closed link stays closed').toBe(0)
  known = linkThatIs(direct)
  links.dispatchEvent(new CustomEvent('link:open', { detail: known }))
  expect(await reached).toBe(known)
})
