// What good-program.ts is, with js-libp2p alone.
import type { GoodProgram, Reached } from '../many/good-program.ts'
import { serve } from '../many/program.ts'
import { type Contact, ECHO, SOURCE } from '../many/protocols.ts'
import { anywhere, startStock, wayOf } from './node.ts'

const handlers: GoodProgram = {
  async start({ relays, kinds }) {
    const contacts: Contact[] = []
    for (const kind of kinds) contacts.push(await startPeer(relays, kind))
    return contacts
  },

  stop() {
    setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 10)
  }
}

async function startPeer(relays: string[], kind: Reached): Promise<Contact> {
  const node = await startStock(kind === 'websocket' ? { relays: [], listen: ['/ip4/127.0.0.1/tcp/0/ws'] } : { relays })
  await node.handle(ECHO, (stream) => stream.addEventListener('message', ({ data }) => stream.send(data)), anywhere)
  // Opened, and never read.
  await node.handle(SOURCE, (stream) => stream.pause(), anywhere)
  const way = kind === 'webrtc' ? 'direct' : 'relayed'
  const address = node
    .getMultiaddrs()
    .map(String)
    .find((one) => wayOf(one) === way && one.includes('/p2p-circuit') === (kind !== 'websocket'))
  return { peerId: node.peerId.toString(), address }
}

serve(handlers)
