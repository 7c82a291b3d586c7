import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { signal } from '@preact/signals'
import { createNode, type HoldfastNode } from 'libp2p-holdfast'
import { Chaos } from '../chaos/index.ts'
import { FileTransfers } from '../files/index.ts'
import type { ChatMessage } from './chat.ts'
import { ChatStream, chatProtocol } from './chat-stream.ts'
import type { DemoConfig } from './config.ts'
import { dialHash, dialMistake, readDialTarget } from './dial-target.ts'
import { Peer } from './peer.ts'
import { Remembered, tabStorage } from './remembered.ts'
import { describe, type Self } from './self.ts'
import { startMistake, takenOver, whyNotStarted } from './start-mistake.ts'

export type Phase =
  | { readonly status: 'starting' }
  | { readonly status: 'running'; readonly self: Self }
  /** In one sentence; `retry` when trying again may help. */
  | { readonly status: 'failed'; readonly sentence: string; readonly retry: boolean }

/** After a reload the other side may be reloading too. */
const REDIAL_PAUSES_MS = [0, 1_500, 4_000]

/** Everything the page shows and does, without its looks. */
export class Demo {
  readonly phase = signal<Phase>({ status: 'starting' })
  readonly reachable = signal(false)
  readonly peers = signal<readonly Peer[]>([])
  readonly dialling = signal(false)
  readonly dialInput = signal('')
  readonly mistake = signal('')
  /** Read out by screen readers, politely. */
  readonly announcement = signal('')
  /** The peer whose message box is to have the focus: somebody just dialled it. */
  readonly focused = signal<Peer | undefined>(undefined)
  readonly chaos: Chaos
  readonly #config: DemoConfig
  readonly #remembered = new Remembered(tabStorage())
  #node: HoldfastNode | undefined
  #files: FileTransfers | undefined

  constructor(config: DemoConfig) {
    this.#config = config
    this.chaos = new Chaos({ upgrade: config.upgrade })
    this.chaos.count('files', (peer) => this.files.traffic(peer))
  }

  /** Made on first use: insecure contexts have not what it takes, and are told so instead. */
  get files(): FileTransfers {
    this.#files ??= new FileTransfers()
    return this.#files
  }

  async start(): Promise<void> {
    this.phase.value = { status: 'starting' }
    try {
      const sentence = whyNotStarted(this.#config.relays)
      if (sentence != null) {
        this.phase.value = { status: 'failed', sentence, retry: false }
        return
      }
      await this.#run(await createNode({ ...this.#config, upgrade: this.chaos.upgrade }))
    } catch (err) {
      this.phase.value = { status: 'failed', ...startMistake(err, this.#config.relays) }
    }
  }

  announce = (text: string): void => {
    this.announcement.value = text
  }

  /** What was typed or pasted into the dial box. */
  submit(): void {
    if (this.#node == null || this.dialling.value) return
    const target = readDialTarget(this.dialInput.value, {
      self: this.#node.peerId,
      relays: this.#config.relays,
      page: new URL(location.href)
    })
    if ('mistake' in target) this.mistake.value = target.mistake
    else void this.dial(target.peer, target.foreignHost)
  }

  async dial(id: PeerId, foreignHost?: string): Promise<void> {
    this.mistake.value = ''
    this.dialling.value = true
    const known = this.#find(id)
    known?.dialling()
    try {
      const peer = await this.#link(id)
      this.dialInput.value = ''
      this.focused.value = peer
    } catch (err) {
      // The sentence is for people; whoever looks for the cause finds all of it here.
      console.warn(`Dialling ${id} failed`, err)
      this.mistake.value = dialMistake(err, id, foreignHost)
      known?.absent(this.mistake.value)
    } finally {
      this.dialling.value = false
    }
  }

  async close(peer: Peer): Promise<void> {
    peer.wanted = false
    this.#remember()
    // Else a reload would dial it again.
    if (this.#named === peer) history.replaceState(null, '', location.pathname + location.search)
    // The link's own events report what becomes of it.
    await peer.link?.close().catch((err: Error) => peer.log(err.message))
  }

  async upgrade(peer: Peer): Promise<void> {
    await peer.link?.upgrade().catch((err: Error) => peer.log(err.message))
  }

  async #run(node: HoldfastNode): Promise<void> {
    this.#node = node
    const { links } = node.services
    const before = this.#restore(node)
    links.addEventListener('link:open', ({ detail: link }) => this.#peer(link.remotePeer).follow(link))
    await node.handle(chatProtocol, (stream, connection) => {
      this.#peer(connection.remotePeer).chat.use(new ChatStream(stream))
    })
    await this.files.attach(node)
    await this.chaos.attach(node)
    for (const link of links.all()) this.#peer(link.remotePeer).follow(link)
    const showReachable = (): void => {
      this.reachable.value = node.getMultiaddrs().length > 0
    }
    node.addEventListener('self:peer:update', showReachable)
    const ticking = setInterval(() => {
      showReachable()
      for (const peer of this.peers.value) peer.tick(Date.now())
    }, 1000)
    const ended = new AbortController()
    addEventListener('hashchange', () => this.#dialHash(), { signal: ended.signal })
    node.addEventListener('stop', () => {
      clearInterval(ticking)
      ended.abort()
      this.phase.value = { status: 'failed', sentence: takenOver, retry: true }
    })
    showReachable()
    this.phase.value = { status: 'running', self: describe(node) }
    for (const peer of before) void this.#redial(peer)
    // Whom the hash names may be back already, by the reload.
    if (this.#named == null) this.#dialHash()
  }

  #dialHash(): void {
    const wanted = dialHash(location.hash)
    if (wanted == null) return
    this.dialInput.value = wanted
    this.submit()
  }

  /** The card of the peer that the page's address asks to dial. */
  get #named(): Peer | undefined {
    const wanted = dialHash(location.hash)
    return this.peers.value.find(({ id }) => id.toString() === wanted)
  }

  /** The peers of before the reload. */
  #restore(node: HoldfastNode): Peer[] {
    return this.#remembered
      .read()
      .toReversed()
      .flatMap(({ peer, messages }) => {
        const id = peerIdFromString(peer)
        return id.equals(node.peerId) ? [] : this.#peer(id, messages)
      })
  }

  async #redial(peer: Peer): Promise<void> {
    for (const [i, pauseMs] of REDIAL_PAUSES_MS.entries()) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      try {
        await this.#link(peer.id)
        return
      } catch (err) {
        if (i === REDIAL_PAUSES_MS.length - 1) {
          peer.absent(dialMistake(err, peer.id))
          peer.wanted = false
          this.#remember()
        }
      }
    }
  }

  async #link(id: PeerId): Promise<Peer> {
    const link = await this.#node!.services.links.dial(id)
    const peer = this.#peer(id)
    peer.follow(link)
    this.#remember()
    await peer.chat.open()
    return peer
  }

  #find(id: PeerId): Peer | undefined {
    return this.peers.value.find((peer) => peer.id.equals(id))
  }

  #peer(id: PeerId, earlier: readonly ChatMessage[] = []): Peer {
    const found = this.#find(id)
    if (found != null) return found
    const peer = new Peer(id, this.announce, earlier)
    this.peers.value = [peer, ...this.peers.value]
    peer.chat.messages.subscribe(() => this.#remember())
    return peer
  }

  /** Whom somebody left is not dialled again after a reload. */
  #remember(): void {
    const kept = this.peers.value.filter(({ wanted }) => wanted)
    this.#remembered.write(kept.map(({ id, chat }) => ({ peer: id.toString(), messages: chat.messages.value })))
  }
}
