// A chat of many terminals over gossipsub: who is linked with one of them hears all of them. See examples/README.md.
import { createInterface } from 'node:readline'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { gossipsub } from '@libp2p/gossipsub'
import { peerIdFromString } from '@libp2p/peer-id'
import { createNode } from 'libp2p-holdfast'

const options = { relay: { type: 'string' }, topic: { type: 'string', default: 'holdfast-chat' } } as const
const { values, positionals } = parseArgs({ allowPositionals: true, options })
const { relay, topic } = values
if (relay == null) {
  throw new Error(
    'Usage: node examples/gossip-chat.ts --relay <multiaddr of a relay> [--topic <topic>] [PeerIds to dial]'
  )
}

// Whoever writes while nobody is there yet is not wrong.
const node = await createNode({
  relays: [relay],
  services: { pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) }
})
const { links, pubsub } = node.services
const short = (peerId: { toString(): string }) => peerId.toString().slice(-6)
const input = createInterface({ input: process.stdin })
process.once('SIGINT', () => input.close())

pubsub.addEventListener('gossipsub:graft', ({ detail }) => {
  if (detail.topic === topic) console.error(`${short(detail.peerId)} is in the chat`)
})
pubsub.addEventListener('message', ({ detail: message }) => {
  if (message.type !== 'signed' || message.topic !== topic) return
  const text = new TextDecoder().decode(message.data)
  console.log(`${short(message.from)}: ${stripVTControlCharacters(text).replace(/[\r\n]+/g, ' ')}`)
})
pubsub.subscribe(topic)
console.error(`You are ${node.peerId}; others type: node examples/gossip-chat.ts --relay ${relay} ${node.peerId}`)

await Promise.all(positionals.map((peerId) => links.dial(peerIdFromString(peerId))))
for await (const text of input) await pubsub.publish(topic, new TextEncoder().encode(text))
await Promise.allSettled(links.all().map((link) => link.close())) // what was written last is still on its way
await node.stop()
