// Chat between two terminals, or with the page of browser-demo. See examples/README.md.
import { createInterface } from 'node:readline'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { createNode } from 'libp2p-holdfast'

const protocol = '/holdfast-demo/chat/1.0.0'
const { values, positionals } = parseArgs({ allowPositionals: true, options: { relay: { type: 'string' } } })
const relay = values.relay
if (relay == null) throw new Error('Usage: node examples/chat.ts --relay <multiaddr of a relay> [PeerId to dial]')

const node = await createNode({ relays: [relay] })
const { links } = node.services
console.error(`You are ${node.peerId}; the other side types: node examples/chat.ts --relay ${relay} ${node.peerId}`)
const [link, stream] = positionals[0] == null ? await answer() : await dial(positionals[0])
const frames = lpStream(stream, { maxDataLength: 32_768 })
const input = createInterface({ input: process.stdin })
console.error(`Talking to ${link.remotePeer}, ${link.state.status}; Ctrl-D or Ctrl-C ends it`)
link.addEventListener('link:state', ({ detail: { state, cause } }) => console.error(`${state.status}: ${cause}`))
process.once('SIGINT', () => input.close())
print().catch(() => input.close()) // the other side has left
for await (const text of input) await frames.write(Buffer.from(JSON.stringify({ text, at: Date.now() })))
await link.close()
await node.stop()

async function dial(peerId: string) {
  const link = await links.dial(peerIdFromString(peerId))
  return [link, await link.connection.newStream(protocol)] as const
}
function answer(): ReturnType<typeof dial> {
  return new Promise((done) => node.handle(protocol, (stream, by) => done([links.get(by.remotePeer)!, stream])))
}
async function print(): Promise<never> {
  while (true) {
    const message = JSON.parse(Buffer.from((await frames.read()).subarray()).toString())
    console.log(stripVTControlCharacters(message.text))
  }
}
