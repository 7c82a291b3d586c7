import type { PeerId } from '@libp2p/interface'
import { batch, signal } from '@preact/signals'
import type { Link, LinkState, PathInfo } from 'libp2p-holdfast'
import { type Budget, Budgets } from './budgets.ts'
import { Chat, type ChatMessage } from './chat.ts'
import { type RttColumns, RttSeries } from './rtt-series.ts'
import { addBand, type Band } from './timeline.ts'
import { type Bytes, type ClosedPaths, Traffic } from './traffic.ts'
import { pathName, shortPeer, stateInWords } from './words.ts'

/** As many as `link.history` keeps. */
const shownChanges = 64

export interface Change {
  readonly id: number
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly text: string
}

/** What goes on between events: read once a second. */
export interface Figures {
  readonly now: number
  readonly paths: readonly PathInfo[]
  readonly closedPaths: readonly ClosedPaths[]
  readonly total: Bytes
  readonly budgets: readonly Budget[]
  readonly rtt: RttColumns
}

const verbs = { 'path:open': 'opened', 'path:select': 'taken', 'path:close': 'closed' } as const

/** One peer on the page. The link may end and another one to the same peer take its place. */
export class Peer {
  readonly id: PeerId
  readonly name: string
  readonly chat: Chat
  /** Whether a reload brings it back. */
  wanted = true
  readonly state = signal<LinkState>({ status: 'connecting' })
  readonly changes = signal<readonly Change[]>([])
  readonly bands = signal<readonly Band[]>([])
  readonly figures
  readonly #announce: (text: string) => void
  readonly #traffic = new Traffic()
  readonly #budgets = new Budgets()
  readonly #rtt = new RttSeries()
  #link: Link | undefined
  #nextChange = 0

  constructor(id: PeerId, announce: (text: string) => void, earlier: readonly ChatMessage[] = []) {
    this.id = id
    this.name = shortPeer(id)
    this.#announce = announce
    this.chat = new Chat(() => this.#link, earlier)
    this.figures = signal(this.#read(Date.now()))
  }

  get link(): Link | undefined {
    return this.#link
  }

  get words(): string {
    const { now, paths } = this.figures.value
    return stateInWords(this.state.value, paths, now)
  }

  follow(link: Link): void {
    if (this.#link === link) return
    this.#link = link
    this.wanted = true
    for (const { at, from, to, cause } of link.history) this.#moved(at, from, to, cause)
    link.addEventListener('link:state', ({ detail: { state, previous, cause } }) => {
      if (state.status !== previous.status) this.#moved(Date.now(), previous.status, state.status, cause)
      this.#changed(link)
    })
    for (const [type, verb] of Object.entries(verbs) as Array<[keyof typeof verbs, string]>) {
      link.addEventListener(type, ({ detail: { path, cause } }) => {
        this.log(`${pathName(path)} ${verb}: ${cause}`)
        if (type === 'path:close' && link === this.#link) this.#traffic.update(link.paths, path)
        this.#changed(link)
      })
    }
    this.#changed(link)
  }

  /** Dialled, and no link yet. */
  dialling(): void {
    if (this.#link == null || this.#link.state.status === 'closed') this.state.value = { status: 'connecting' }
  }

  /** A dial failed, for this reason. */
  absent(sentence: string): void {
    if (this.#link != null && this.#link.state.status !== 'closed') return
    this.state.value = { status: 'closed', reason: new Error(sentence) }
    this.#announce(`${this.name}: ${this.words}`)
  }

  tick(now: number): void {
    this.#rtt.sample(now, this.#link?.paths ?? [])
    this.figures.value = this.#read(now)
  }

  log(text: string, at = Date.now()): void {
    this.changes.value = [...this.changes.value, { id: this.#nextChange++, at, text }].slice(-shownChanges)
  }

  #moved(at: number, from: string, status: LinkState['status'], cause: string): void {
    this.log(`${from} → ${status}: ${cause}`, at)
    this.bands.value = addBand(this.bands.value, { status, from: at, cause })
  }

  #changed(link: Link): void {
    // An ended link may still report after its successor came.
    if (link !== this.#link) return
    batch(() => {
      this.state.value = link.state
      this.figures.value = this.#read(Date.now())
    })
    this.#announce(`${this.name}: ${this.words}`)
  }

  #read(now: number): Figures {
    const paths = this.#link?.paths ?? []
    this.#traffic.update(paths)
    return {
      now,
      paths,
      closedPaths: this.#traffic.closed,
      total: this.#traffic.total,
      budgets: this.#budgets.read(paths),
      rtt: this.#rtt.columns(now)
    }
  }
}
