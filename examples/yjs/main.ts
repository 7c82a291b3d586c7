// A text that all who are linked with this page write together. `?relay=…` names the relay, `#dial=…` whom to dial.
import type { Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { createNode, type Link } from 'libp2p-holdfast'
import * as Y from 'yjs'
import { bindTextArea } from './bind-text-area.ts'
import { sync, syncProtocol } from './sync.ts'

const area = document.querySelector<HTMLTextAreaElement>('#text')!
const notice = document.querySelector('#notice')!

start().catch(say)

async function start(): Promise<void> {
  const query = new URLSearchParams(location.search)
  const node = await createNode({ relays: query.getAll('relay'), stunServers: query.getAll('stun') })
  const { links } = node.services
  const doc = new Y.Doc()
  const keepSynced = (stream: Stream): void => void sync(doc, stream).catch(say)

  links.addEventListener('link:open', ({ detail: link }) => show(link))
  for (const link of links.all()) show(link)
  await node.handle(syncProtocol, keepSynced)

  bindTextArea(area, doc.getText('text'))
  area.disabled = false
  const share = document.querySelector<HTMLAnchorElement>('#share-link')!
  share.href = `#dial=${node.peerId}`

  const wanted = new URLSearchParams(location.hash.slice(1)).get('dial')
  if (wanted == null) return
  const link = await links.dial(peerIdFromString(wanted))
  keepSynced(await link.connection.newStream(syncProtocol))
}

function show(link: Link): void {
  const item = document.createElement('li')
  const update = (): void => {
    item.textContent = `${link.remotePeer}: ${link.state.status}`
  }
  link.addEventListener('link:state', update)
  update()
  document.querySelector('#links')!.append(item)
}

function say(err: Error): void {
  notice.textContent = err.message
}
