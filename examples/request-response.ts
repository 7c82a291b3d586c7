// A `fetch` between peers: one stream per request, length-prefixed JSON both ways. See examples/README.md.
import { parseArgs } from 'node:util'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { createNode, type HoldfastNode } from 'libp2p-holdfast'

const protocol = '/holdfast-example/request/1.0.0'
const limits = { maxDataLength: 1_048_576 }
const encode = (message: unknown) => new TextEncoder().encode(JSON.stringify(message))
const decode = (frame: { subarray(): Uint8Array }) => JSON.parse(new TextDecoder().decode(frame.subarray()))
const options = { relay: { type: 'string', default: '' }, serve: { type: 'boolean' } } as const
const { values, positionals } = parseArgs({ allowPositionals: true, options })
const node = await createNode({ relays: [values.relay] })

if (values.serve) {
  await node.handle(protocol, async (stream) => {
    const frames = lpStream(stream, limits)
    const { path, body } = decode(await frames.read())
    await frames.write(encode(path === '/shout' ? { status: 200, body: `${body}`.toUpperCase() } : { status: 404 }))
    await stream.close()
  })
  console.error(`Serving; ask: node examples/request-response.ts --relay ${values.relay} ${node.peerId} /shout hello`)
} else {
  const [peerId = '', path = '/', body] = positionals
  console.log(JSON.stringify(await request(node, peerIdFromString(peerId), path, body).finally(() => node.stop())))
}

async function request(node: HoldfastNode, peerId: PeerId, path: string, body?: unknown) {
  const stream = await node.dialProtocol(peerId, protocol)
  const frames = lpStream(stream, limits)
  await frames.write(encode({ path, body }))
  return decode(await frames.read().finally(() => stream.close()))
}
