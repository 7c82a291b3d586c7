// Started by a test as a process of its own: dials, talks, stops, and must then end by itself.
import { createNode } from '../../src/index.ts'

const [upgrade, ...relays] = process.argv.slice(2)

const init = { relays, upgrade: upgrade as 'auto' | 'never' }
const [a, b] = await Promise.all([createNode(init), createNode(init)])
await b.handle('/test/short', (stream) => {
  stream.addEventListener('message', ({ data }) => stream.send(data))
})
const stream = await a.dialProtocol(b.peerId, '/test/short')
const link = a.services.links.get(b.peerId)
if (upgrade === 'auto') await link?.whenDirect({ signal: AbortSignal.timeout(15_000) })
const answered = new Promise((resolve) => stream.addEventListener('message', resolve, { once: true }))
stream.send(new TextEncoder().encode('hello'))
await answered
console.log(link?.state.status)
await Promise.all([a.stop(), b.stop()])
console.log('stopped')
