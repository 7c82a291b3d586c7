// Started by a test as a process of its own: answers every message with the same bytes, until its standard input closes.
import { createNode } from '../../src/index.ts'

const node = await createNode({ relays: process.argv.slice(2) })
await node.handle('/test/echo/1.0.0', (stream) => {
  stream.addEventListener('message', ({ data }) => stream.send(data))
})
console.log(node.peerId.toString())
process.stdin.on('end', () => process.exit()).resume()
