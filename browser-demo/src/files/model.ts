import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { HoldfastNode, Link, LinkState } from 'libp2p-holdfast'
import { Arrivals } from './arrivals.ts'
import { Disk } from './disk.ts'
import { maxOutgoingAtOnce } from './limits.ts'
import { Notices } from './notices.ts'
import { sendFile } from './outgoing.ts'
import { type EndReason, filesProtocol, tooLarge } from './protocol.ts'
import type { Source, Storage } from './storage.ts'
import { Transfer } from './transfer.ts'

export interface FileTransfersInit {
  /** Where files that come in are kept. @default the page's private file system, or memory without one */
  readonly storage?: Storage
  /** How files are read. @default by a worker */
  readonly openSource?: (file: File) => Source
}

interface PeerFiles {
  readonly peer: PeerId
  /** Newest first. */
  readonly transfers: Signal<readonly Transfer[]>
  /** Of the newest link. */
  readonly linkStatus: Signal<LinkState['status'] | undefined>
  readonly notices: Notices
  readonly queue: Array<() => Promise<void>>
  sending: number
}

/** All files of a page, in both directions, by peer. */
export class FileTransfers {
  readonly #openSource: (file: File) => Source
  readonly #arrivals: Arrivals
  readonly #peers = new Map<string, PeerFiles>()
  #node: HoldfastNode | undefined

  constructor(init: FileTransfersInit = {}) {
    const disk = new Disk()
    const { storage = disk.storage, openSource = disk.openSource } = init
    this.#openSource = openSource
    this.#arrivals = new Arrivals(storage)
  }

  /** Answers offers, and follows the links of this node. Call it once, early. */
  async attach(node: HoldfastNode): Promise<void> {
    this.#node = node
    const { links } = node.services
    const onOpen = (link: Link): void => {
      const files = this.#filesOf(link.remotePeer)
      files.linkStatus.value = link.state.status
      files.notices.tell()
    }
    links.addEventListener('link:open', ({ detail: link }) => onOpen(link))
    for (const link of links.all()) onOpen(link)
    links.addEventListener('link:state', ({ detail: { link, state } }) => {
      if ((links.get(link.remotePeer) ?? link) === link) this.#onState(link.remotePeer, state)
    })
    await node.handle(filesProtocol, (stream, connection) => this.#answer(stream, connection), {
      maxInboundStreams: 256,
      runOnLimitedConnection: true
    })
  }

  /** Newest first. */
  of(peer: PeerId): ReadonlySignal<readonly Transfer[]> {
    return this.#filesOf(peer).transfers
  }

  linkStatus(peer: PeerId): ReadonlySignal<LinkState['status'] | undefined> {
    return this.#filesOf(peer).linkStatus
  }

  /** Starts at once, or when others are through. The link need not be up. */
  send(peer: PeerId, file: File): Transfer {
    const source = this.#openSource(file)
    const { name, sizeBytes } = source
    const init = { id: crypto.randomUUID(), peer: peer.toString(), name, sizeBytes }
    const transfer = new Transfer({ ...init, direction: 'out', status: 'queued' })
    const files = this.#filesOf(peer)
    files.transfers.value = [transfer, ...files.transfers.value]
    if (tooLarge(sizeBytes)) {
      source.close()
      transfer.become({ status: 'failed', reason: 'it is too large: 1 GiB per file is the most' })
      return transfer
    }
    files.queue.push(() => sendFile(this.#started, peer, transfer, source))
    this.#pump(files)
    return transfer
  }

  /** In: take a file that was offered. */
  accept(transfer: Transfer): void {
    this.#arrivals.accept(transfer)
  }

  /** Also declines what was only offered. The other side is told, now or when it is back. */
  cancel(transfer: Transfer): void {
    if (transfer.isOver.value) return
    const declined = transfer.direction === 'in' && transfer.state.value.status === 'offered'
    transfer.become({ status: 'cancelled', by: 'us', reason: declined ? 'declined' : 'cancelled' })
    this.#tellEnd(transfer, declined ? 'declined' : 'cancelled')
  }

  /** Off the list; what was stored of it is deleted. */
  remove(transfer: Transfer): void {
    this.cancel(transfer)
    const files = this.#peers.get(transfer.peer)
    if (files != null) files.transfers.value = files.transfers.value.filter((other) => other !== transfer)
    this.#arrivals.remove(transfer)
  }

  /** What this page offered to a peer and was not cancelled: how much of it left, and how much the peer has stored. */
  traffic(peer: { toString(): string }): { readonly sentBytes: number; readonly arrivedBytes: number } {
    let sentBytes = 0
    let arrivedBytes = 0
    for (const transfer of this.#peers.get(peer.toString())?.transfers.value ?? []) {
      const { status } = transfer.state.value
      if (transfer.direction !== 'out' || status === 'cancelled' || status === 'failed') continue
      sentBytes += transfer.sentBytes
      arrivedBytes += transfer.storedBytes.value
    }
    return { sentBytes, arrivedBytes }
  }

  get #started(): HoldfastNode {
    if (this.#node == null) throw new Error('attach() comes first')
    return this.#node
  }

  #filesOf(peer: PeerId): PeerFiles {
    const key = peer.toString()
    let files = this.#peers.get(key)
    if (files == null) {
      const notices = new Notices(this.#started, peer)
      files = { peer, transfers: signal([]), linkStatus: signal(undefined), notices, queue: [], sending: 0 }
      this.#peers.set(key, files)
    }
    return files
  }

  #pump(files: PeerFiles): void {
    while (files.sending < maxOutgoingAtOnce) {
      const next = files.queue.shift()
      if (next == null) return
      files.sending++
      void next().finally(() => {
        files.sending--
        this.#pump(files)
      })
    }
  }

  #onState(peer: PeerId, state: LinkState): void {
    const { linkStatus, transfers } = this.#filesOf(peer)
    linkStatus.value = state.status
    if (state.status !== 'recovering') return
    for (const transfer of transfers.value) transfer.forgetRate()
  }

  #tellEnd(transfer: Transfer, reason: EndReason): void {
    this.#peers.get(transfer.peer)?.notices.add({ type: 'end', id: transfer.id, reason })
  }

  async #answer(stream: Stream, connection: Connection): Promise<void> {
    const files = this.#filesOf(connection.remotePeer)
    await this.#arrivals.answer(stream, {
      peer: connection.remotePeer.toString(),
      transfers: files.transfers,
      tellEnd: (transfer, reason) => this.#tellEnd(transfer, reason)
    })
  }
}
