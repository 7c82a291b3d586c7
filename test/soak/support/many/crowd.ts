// One node with links to many peers, in processes of their own: most in order, some of them replaced by bad ones for a while.
import { startRelay, type TestRelay } from '../../../support/relay.ts'
import type { Attacker, BadProgram } from './bad-program.ts'
import type { GoodProgram, Reached } from './good-program.ts'
import type { Measured, NodeProgram } from './node-program.ts'
import { Program } from './program.ts'
import type { Contact } from './protocols.ts'

const script = (name: string) => new URL(`./${name}.ts`, import.meta.url)
const ours = { node: script('node-program'), peers: script('good-program') }
const stock = { node: script('../stock/many-node'), peers: script('../stock/many-peers') }

/** Nodes in one process. */
const PEERS_PER_PROGRAM = 25

const DIRECT_TIMEOUT_MS = 60_000

const WARM_UP_MS = 1_000

export interface CrowdInit {
  /** How many peers there are of each kind, for all of the time. */
  readonly peers: Readonly<Record<Reached, number>>
  readonly intervalMs: number
  /** With js-libp2p alone. @default false */
  readonly stock?: boolean
}

/** Peers beside the ones that are measured, which come and go. */
export interface Others {
  /** In order. */
  readonly good?: readonly Reached[]
  /** Linked, and then stopped by SIGSTOP. */
  readonly stopped?: readonly Reached[]
  /** Sent to without end, and never reading. */
  readonly unread?: readonly Reached[]
  readonly attackers?: readonly Attacker[]
  /** Whether the attackers turn to another node, which nobody measures: what they cost the machine they still do. */
  readonly elsewhere?: boolean
}

interface Present {
  readonly ids: readonly string[]
  readonly programs: readonly Program<unknown>[]
}

export class Crowd {
  readonly #init: CrowdInit
  readonly #relay: TestRelay
  readonly #scripts: typeof ours
  readonly #node: Program<NodeProgram>
  readonly #programs: Program<unknown>[] = []
  #self: Contact | undefined
  #peers: Contact[] = []

  static async start(init: CrowdInit): Promise<Crowd> {
    const relay = await startRelay({ args: ['--max-reservations=512'] })
    const crowd = new Crowd(init, relay)
    await crowd.#start()
    return crowd
  }

  private constructor(init: CrowdInit, relay: TestRelay) {
    this.#init = init
    this.#relay = relay
    this.#scripts = init.stock === true ? stock : ours
    this.#node = Program.start(this.#scripts.node)
  }

  async #start(): Promise<void> {
    this.#self = await this.#node.ask('start', { relays: this.#relay.multiaddrs })
    const { relayed, websocket, webrtc } = this.#init.peers
    const kinds: Reached[] = [
      ...Array<Reached>(relayed).fill('relayed'),
      ...Array<Reached>(websocket).fill('websocket'),
      ...Array<Reached>(webrtc).fill('webrtc')
    ]
    const shares: Reached[][] = []
    for (let at = 0; at < kinds.length; at += PEERS_PER_PROGRAM) shares.push(kinds.slice(at, at + PEERS_PER_PROGRAM))
    const contacts = await Promise.all(shares.map((share) => this.#startPeers(share, this.#programs)))
    this.#peers = contacts.flat()
    for (const contact of this.#peers) await this.#node.ask('dial', [contact])
    const direct = this.#peers.slice(relayed + websocket).map(({ peerId }) => peerId)
    await this.#node.ask('direct', { peers: direct, timeoutMs: DIRECT_TIMEOUT_MS })
  }

  async #startPeers(kinds: readonly Reached[], programs: Program<unknown>[]): Promise<Contact[]> {
    const program = Program.start<GoodProgram>(this.#scripts.peers)
    programs.push(program as Program<unknown>)
    return program.ask('start', { relays: this.#relay.multiaddrs, kinds: [...kinds] })
  }

  /** Echoes with the peers that are always there. */
  measure(durationMs: number): Promise<Measured> {
    const peers = this.#peers.map(({ peerId }) => peerId)
    return this.#node.ask('measure', { peers, intervalMs: this.#init.intervalMs, durationMs })
  }

  /** While these are there. */
  async measureWith(others: Others, durationMs: number): Promise<Measured> {
    const { ids, programs } = await this.#add(others)
    try {
      // New peers get to know each other meanwhile, whoever they are.
      await this.measure(WARM_UP_MS)
      return await this.measure(durationMs)
    } finally {
      await Promise.all(programs.map((program) => program.end()))
      await this.#node.ask('drop', [...ids])
    }
  }

  async #add({ good = [], stopped = [], unread = [], attackers = [], elsewhere = false }: Others): Promise<Present> {
    const programs: Program<unknown>[] = []
    const ids: string[] = []
    const linked = async (kinds: readonly Reached[]): Promise<Contact[]> => {
      if (kinds.length === 0) return []
      const contacts = await this.#startPeers(kinds, programs)
      ids.push(...contacts.map(({ peerId }) => peerId))
      await this.#node.ask('dial', contacts)
      return contacts
    }
    await linked(good)
    for (const { peerId } of await linked(unread)) await this.#node.ask('flood', peerId)
    if (stopped.length > 0) {
      await linked(stopped)
      await (programs.at(-1) as Program<GoodProgram>).ask('stop', undefined as never)
    }
    if (attackers.length > 0) {
      const victim = elsewhere ? await this.#startDecoy(programs) : this.#self!
      const program = Program.start<BadProgram>(script('bad-program'))
      programs.push(program as Program<unknown>)
      const hostile = await program.ask('start', {
        victim,
        relay: this.#relay.multiaddrs[0]!,
        attackers: [...attackers]
      })
      if (!elsewhere) {
        ids.push(...hostile)
        // Not waited for: those that never answer would hold it up.
        this.#node.ask('tryToTalk', hostile).catch(() => {})
      }
    }
    return { ids, programs }
  }

  async #startDecoy(programs: Program<unknown>[]): Promise<Contact> {
    const decoy = Program.start<NodeProgram>(this.#scripts.node)
    programs.push(decoy as Program<unknown>)
    return decoy.ask('start', { relays: this.#relay.multiaddrs })
  }

  /** What went wrong with links to peers in order. */
  outages(): Promise<string[]> {
    return this.#node.ask(
      'outages',
      this.#peers.map(({ peerId }) => peerId)
    )
  }

  async stop(): Promise<void> {
    await Promise.all([this.#node.end(), ...this.#programs.map((program) => program.end())])
    await this.#relay.stop()
  }
}
