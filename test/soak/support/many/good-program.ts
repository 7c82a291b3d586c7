// Peers in good order, many in one process: they send back what comes.
import { createNode } from '../../../../src/index.ts'
import { serve } from './program.ts'
import { type Contact, ECHO, SOURCE } from './protocols.ts'

/** - `relayed`: over the relay only  - `websocket`: at an address of its own  - `webrtc`: over the relay, then directly */
export type Reached = 'relayed' | 'websocket' | 'webrtc'

/** Nodes that start at once in one process. */
const AT_ONCE = 5

const handlers = {
  async start({ relays, kinds }: { relays: string[]; kinds: Reached[] }): Promise<Contact[]> {
    const contacts: Contact[] = []
    for (let at = 0; at < kinds.length; at += AT_ONCE) {
      contacts.push(...(await Promise.all(kinds.slice(at, at + AT_ONCE).map((kind) => startPeer(relays, kind)))))
    }
    return contacts
  },

  /** From here on it is there and does nothing at all, as a process does that was stopped; answered before that. */
  stop(): void {
    setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 10)
  }
}

async function startPeer(relays: string[], kind: Reached): Promise<Contact> {
  const node = await createNode({
    upgrade: kind === 'webrtc' ? 'auto' : 'never',
    ...(kind === 'websocket' ? { listen: ['/ip4/127.0.0.1/tcp/0/ws'] } : { relays })
  })
  await node.handle(ECHO, (stream) => stream.addEventListener('message', ({ data }) => stream.send(data)))
  // Opened, and never read.
  await node.handle(SOURCE, (stream) => stream.pause())
  const address = kind === 'websocket' ? node.getMultiaddrs()[0]?.toString() : undefined
  return { peerId: node.peerId.toString(), address }
}

export type GoodProgram = typeof handlers
serve(handlers)
