import type { PeerId } from '@libp2p/interface'
import type { Link } from 'libp2p-holdfast'
import { ChatBox } from './chat-box.ts'
import { announce, appendTo, copyOnClick, element, part, setText } from './dom.ts'
import { PathList } from './path-list.ts'
import { pathName, shortPeer, stateInWords } from './words.ts'

/** As many as `link.history` keeps. */
const shownChanges = 64

/** One peer on the page. The link may end and another one to the same peer take its place. */
export class LinkCard {
  readonly root: HTMLElement
  readonly chat: ChatBox
  readonly #peer: PeerId
  readonly #paths: PathList
  readonly #state: HTMLElement
  readonly #changes: HTMLElement
  readonly #upgrade: HTMLButtonElement
  readonly #close: HTMLButtonElement
  readonly #redial: HTMLButtonElement
  #link: Link | undefined

  constructor(peer: PeerId, redial: () => void) {
    const template = part<HTMLTemplateElement>(document, 'link-card-template')
    this.root = part(template.content.cloneNode(true) as DocumentFragment, 'link-card')
    this.#peer = peer
    this.#state = part(this.root, 'link-state')
    this.#changes = part(this.root, 'changes')
    this.#upgrade = part<HTMLButtonElement>(this.root, 'upgrade')
    this.#close = part<HTMLButtonElement>(this.root, 'close')
    this.#redial = part<HTMLButtonElement>(this.root, 'redial')
    this.#paths = new PathList(this.root)
    this.chat = new ChatBox(this.root, () => this.#link)
    this.root.dataset.peer = peer.toString()
    this.root.setAttribute('aria-label', `Link with ${shortPeer(peer)}`)
    part(this.root, 'card-peer').textContent = shortPeer(peer)
    const copy = part<HTMLButtonElement>(this.root, 'card-copy')
    copy.setAttribute('aria-label', `Copy the PeerId of ${shortPeer(peer)}`)
    copyOnClick(copy, 'the PeerId', () => peer.toString())
    // Both report through the link's own events what becomes of them.
    this.#upgrade.addEventListener(
      'click',
      () => void this.#link?.upgrade().catch((err: Error) => this.#log(err.message))
    )
    this.#close.addEventListener('click', () => void this.#link?.close().catch((err: Error) => this.#log(err.message)))
    this.#redial.addEventListener('click', redial)
  }

  follow(link: Link): void {
    if (this.#link === link) return
    this.#link = link
    for (const { at, from, to, cause } of link.history) this.#log(`${from} → ${to}: ${cause}`, at)
    link.addEventListener('link:state', ({ detail: { state, previous, cause } }) => {
      if (state.status !== previous.status) this.#log(`${previous.status} → ${state.status}: ${cause}`)
      this.#changed(link)
    })
    for (const [type, verb] of [
      ['path:open', 'opened'],
      ['path:select', 'taken'],
      ['path:close', 'closed']
    ] as const) {
      link.addEventListener(type, ({ detail: { path, cause } }) => {
        this.#log(`${pathName(path)} ${verb}: ${cause}`)
        this.#changed(link)
      })
    }
    this.#changed(link)
  }

  /** Numbers and countdowns go on between events. */
  tick(now: number): void {
    const link = this.#link
    if (link == null) return
    setText(this.#state, stateInWords(link.state, link.paths, now))
    this.#paths.show(link.paths)
  }

  #changed(link: Link): void {
    // An ended link may still report after its successor came.
    if (link !== this.#link) return
    const { state } = link
    const upgrade = state.status === 'relayed' ? state.upgrade.status : undefined
    const words = stateInWords(state, link.paths, Date.now())
    this.root.dataset.state = state.status
    this.root.dataset.upgrade = upgrade ?? ''
    this.#upgrade.hidden = upgrade !== 'idle' && upgrade !== 'backoff'
    const focused = this.root.contains(document.activeElement)
    this.#close.hidden = state.status === 'closed'
    this.chat.enabled = state.status !== 'closed'
    this.#redial.hidden = !this.#close.hidden
    if (focused && this.#close.hidden) this.#redial.focus()
    this.tick(Date.now())
    announce(`${shortPeer(this.#peer)}: ${words}`)
  }

  #log(text: string, at = Date.now()): void {
    const item = element('li', ` ${text}`, 'change')
    item.prepend(element('time', new Date(at).toLocaleTimeString()))
    appendTo(this.#changes, item, shownChanges)
  }
}
