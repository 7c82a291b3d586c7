import type { Stream } from '@libp2p/interface'
import type { Signal } from '@preact/signals'
import { raceSignal } from 'race-signal'
import { askAboveBytes, maxIncomingFiles, maxUnaskedBytes } from './limits.ts'
import {
  type End,
  type EndReason,
  encodeJson,
  FileProtocolError,
  messagesOf,
  type Offer,
  parseFirst,
  tooLarge
} from './protocol.ts'
import { Incoming } from './receiving.ts'
import { type Storage, StorageError } from './storage.ts'
import { Transfer } from './transfer.ts'
import { theirReasons } from './words.ts'

/** A first message is on its way when the stream is. */
const firstMessageTimeoutMs = 30_000

/** The peer a stream comes from. */
export interface Sender {
  readonly peer: string
  readonly transfers: Signal<readonly Transfer[]>
  tellEnd(transfer: Transfer, reason: EndReason): void
}

/** The receiving side of all peers: nothing a peer says is trusted. */
export class Arrivals {
  readonly #storage: Storage
  readonly #incoming = new WeakMap<Transfer, Promise<Incoming>>()
  readonly #asked = new WeakMap<Transfer, PromiseWithResolvers<void>>()
  /** Without a click: what a peer can fill this page's storage with. */
  readonly #unasked = new WeakSet<Transfer>()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** One stream, until it is over. */
  async answer(stream: Stream, sender: Sender): Promise<void> {
    try {
      const messages = messagesOf(stream)
      const signal = AbortSignal.timeout(firstMessageTimeoutMs)
      const first = parseFirst((await messages.read({ signal })).subarray())
      if (first.type === 'end') {
        this.#onEnd(first, sender)
        await messages.write(encodeJson(first))
        return await stream.close()
      }
      const transfer = this.#known(first, sender) ?? this.#new(first, sender)
      const refusal = typeof transfer === 'string' ? transfer : whyOver(transfer)
      if (refusal == null) return await this.#receive(transfer as Transfer, messages.unwrap(), sender)
      await messages.write(encodeJson({ type: 'end', id: first.id, reason: refusal }))
      await stream.close()
    } catch (err) {
      stream.abort(err as Error)
    }
  }

  accept(transfer: Transfer): void {
    this.#unasked.delete(transfer)
    this.#asked.get(transfer)?.resolve()
  }

  remove(transfer: Transfer): void {
    this.#incoming
      .get(transfer)
      ?.then((incoming) => incoming.remove())
      // There was no room for it, or the browser has thrown it away already: it is gone either way.
      .catch(() => {})
  }

  async #receive(transfer: Transfer, stream: Stream, sender: Sender): Promise<void> {
    transfer.use(stream)
    try {
      await raceSignal(this.#asked.get(transfer)?.promise ?? Promise.resolve(), transfer.signal)
      await (await this.#incomingOf(transfer)).receive(stream)
    } catch (err) {
      if (err instanceof StorageError) {
        transfer.become({ status: 'failed', reason: err.message })
        sender.tellEnd(transfer, 'storage')
      } else if (err instanceof FileProtocolError) {
        transfer.become({ status: 'failed', reason: err.message })
        sender.tellEnd(transfer, 'cancelled')
      } else {
        transfer.interrupted(stream, (err as Error).message)
      }
      throw err
    } finally {
      if (whyOver(transfer) != null) this.remove(transfer)
    }
  }

  #incomingOf(transfer: Transfer): Promise<Incoming> {
    let incoming = this.#incoming.get(transfer)
    if (incoming == null) {
      incoming = this.#storage.create(transfer.sizeBytes).then((store) => new Incoming(transfer, store))
      this.#incoming.set(transfer, incoming)
    }
    return incoming
  }

  #known({ id, name, sizeBytes }: Offer, { transfers }: Sender): Transfer | undefined {
    const known = transfers.value.find((transfer) => transfer.direction === 'in' && transfer.id === id)
    if (known != null && (known.sizeBytes !== sizeBytes || known.name !== name)) {
      throw new FileProtocolError('The other side offered another file under the same id')
    }
    return known
  }

  #new({ id, name, sizeBytes }: Offer, { peer, transfers }: Sender): Transfer | EndReason {
    if (tooLarge(sizeBytes)) return 'too-large'
    const incoming = transfers.value.filter(({ direction }) => direction === 'in')
    if (incoming.length >= maxIncomingFiles) return 'too-many'
    const transfer = new Transfer({ id, peer, direction: 'in', name, sizeBytes, status: 'offered' })
    const unaskedBytes = incoming.reduce(
      (sum, other) => sum + (this.#unasked.has(other) ? other.sizeBytes : 0),
      sizeBytes
    )
    this.#asked.set(transfer, Promise.withResolvers())
    if (sizeBytes <= askAboveBytes && unaskedBytes <= maxUnaskedBytes) {
      this.#asked.get(transfer)?.resolve()
      this.#unasked.add(transfer)
    }
    transfers.value = [transfer, ...transfers.value]
    return transfer
  }

  #onEnd({ id, reason }: End, { transfers }: Sender): void {
    const transfer = transfers.value.find((transfer) => transfer.id === id)
    if (transfer == null) return
    const words = theirReasons[reason]
    const byPerson = reason === 'cancelled' || reason === 'declined'
    transfer.become(byPerson ? { status: 'cancelled', by: 'them', reason: words } : { status: 'failed', reason: words })
    if (transfer.direction === 'in') this.remove(transfer)
  }
}

/** What to answer to an offer of a file that is over here already; undefined when it may go on, if only for the digest. */
function whyOver({ state }: Transfer): EndReason | undefined {
  const { status } = state.value
  if (status === 'cancelled') return 'cancelled'
  return status === 'failed' ? 'storage' : undefined
}
