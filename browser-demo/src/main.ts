import type { PeerId } from '@libp2p/interface'
import { createNode, type Link } from 'libp2p-holdfast'
import { ChatStream, chatProtocol } from './chat-stream.ts'
import { readConfig } from './config.ts'
import { dialHash, dialMistake, readDialTarget, shareLink } from './dial-target.ts'
import { copyOnClick, part, setText } from './dom.ts'
import { LinkCard } from './link-card.ts'
import { shortPeer } from './words.ts'

type Node = Awaited<ReturnType<typeof createNode>>

const config = readConfig(new URLSearchParams(location.search))
const cards = new Map<string, LinkCard>()
const dialButton = part<HTMLButtonElement>(document, 'dial-button')
const dialInput = part<HTMLInputElement>(document, 'dial-input')

start().catch((err: Error) => notice(`This page could not start: ${err.message}`))

async function start(): Promise<void> {
  if (!isSecureContext) {
    return notice('Browsers keep what this page needs to https and localhost: open it at one of these.')
  }
  if (config.relays.length === 0) {
    return notice('No relay is named: start the demo with npm start, or add ?relay=<multiaddr> to the address.')
  }
  const node = await createNode(config)
  const { links } = node.services

  showSelf(node)
  links.addEventListener('link:open', ({ detail: link }) => cardOf(node, link.remotePeer).follow(link))
  await node.handle(chatProtocol, (stream, connection) => {
    cardOf(node, connection.remotePeer).chat.use(new ChatStream(stream))
  })
  for (const link of links.all()) cardOf(node, link.remotePeer).follow(link)
  setInterval(() => {
    showReachability(node)
    for (const card of cards.values()) card.tick(Date.now())
  }, 1000)
  listenToDialBox(node)
}

function notice(text: string): void {
  const target = part(document, 'notice')
  target.hidden = false
  setText(target, text)
  setText(part(document, 'reachability'), 'Not started.')
}

function showSelf(node: Node): void {
  const peerId = node.peerId.toString()
  const link = part<HTMLAnchorElement>(document, 'share-link')
  link.href = shareLink(new URL(location.href), node.peerId)
  link.textContent = link.href
  part(document, 'peer-id').textContent = peerId
  for (const [name, what, text] of [
    ['copy-peer-id', 'your PeerId', peerId],
    ['copy-share-link', 'the share link', link.href]
  ] as const) {
    const button = part<HTMLButtonElement>(document, name)
    button.disabled = false
    copyOnClick(button, what, () => text)
  }
  node.addEventListener('self:peer:update', () => showReachability(node))
  showReachability(node)
}

function showReachability(node: Node): void {
  const reachable = node.getMultiaddrs().length > 0
  const target = part(document, 'reachability')
  target.dataset.reachable = String(reachable)
  setText(
    target,
    reachable
      ? 'Others can dial you while this page is open.'
      : 'Others cannot dial you yet: no relay has taken this page in.'
  )
}

function cardOf(node: Node, peer: PeerId): LinkCard {
  let card = cards.get(peer.toString())
  if (card == null) {
    card = new LinkCard(peer, () => void dial(node, peer))
    cards.set(peer.toString(), card)
    part(document, 'cards').prepend(card.root)
    part(document, 'no-links').hidden = true
  }
  return card
}

function listenToDialBox(node: Node): void {
  dialButton.disabled = false
  const submit = (): void => {
    const target = readDialTarget(dialInput.value, node.peerId)
    if ('mistake' in target) showDialMistake(target.mistake)
    else void dial(node, target.peer)
  }
  const dialFromHash = (): void => {
    const wanted = dialHash(location.hash)
    if (wanted == null) return
    dialInput.value = wanted
    submit()
  }
  part<HTMLFormElement>(document, 'dial-form').addEventListener('submit', (event) => {
    event.preventDefault()
    if (!dialButton.disabled) submit()
  })
  addEventListener('hashchange', dialFromHash)
  dialFromHash()
}

async function dial(node: Node, peer: PeerId): Promise<void> {
  showDialMistake('')
  dialButton.disabled = true
  dialButton.textContent = 'Dialling…'
  try {
    const link: Link = await node.services.links.dial(peer)
    const card = cardOf(node, peer)
    card.follow(link)
    await card.chat.open()
    dialInput.value = ''
    card.chat.focus()
  } catch (err) {
    console.warn(`Dialling ${shortPeer(peer)} failed`, err)
    showDialMistake(dialMistake(err, peer))
  } finally {
    dialButton.disabled = false
    dialButton.textContent = 'Dial'
  }
}

function showDialMistake(text: string): void {
  setText(part(document, 'dial-error'), text)
  dialInput.setAttribute('aria-invalid', String(text !== ''))
  if (text !== '') dialInput.focus()
}
