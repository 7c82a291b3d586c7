import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { Attachment } from './attachment.ts'
import type { Helper } from './helper.ts'
import type { Impairment } from './impairment.ts'
import type { Nat } from './nat.ts'

/** What a host is made of. */
export interface HostOptions {
  /** For messages. @default 'host' and a number */
  name?: string
  /** The NAT whose private segment it is in. @default none: it is on the public segment */
  behind?: Nat
  /** What its wire does to packets. @default nothing */
  impair?: Impairment
}

/** What `spawn` of `node:child_process` takes, without what would need another user or a shell around the helper. */
export type HostSpawnOptions = Omit<SpawnOptions, 'shell' | 'uid' | 'gid' | 'argv0'>

/** @internal What the lab knows of a new host. */
export interface HostPlace {
  member: number
  address: string
  network: number
}

/**
 * A machine of the lab: a network namespace of its own with an `lo`, an `eth0` with one IPv4 address, and a default route.
 * It shares the machine's files, and its process ids with the rest of the lab. No IPv6; names are not looked up.
 */
export class Host extends Attachment {
  /** What it is called in messages. */
  readonly name: string
  readonly #network: number
  readonly #processes = new Set<ChildProcess>()

  /** @internal */
  constructor(helper: Helper, name: string, place: HostPlace, behind: Nat | undefined) {
    super(helper, place.member, place.address, behind)
    this.name = name
    this.#network = place.network
  }

  /**
   * Like `spawn` of `node:child_process`, inside the host: streams, IPC, signals and the exit are the command's. Inside
   * it is root, without more rights to files than you have. `pid` is that of a helper: killed with SIGKILL, the command
   * dies too, but what it started lives until the lab closes. A command that does not exist exits with 127.
   *
   * @throws {LabClosedError}
   */
  spawn(command: string, args: readonly string[] = [], options: HostSpawnOptions = {}): ChildProcess {
    const child = spawn(...this.helper.enter(this.#network, command, args), options)
    if (child.pid != null) this.#processes.add(child)
    // Not 'close': that waits for a reader of its streams.
    child.once('exit', () => this.#processes.delete(child))
    return child
  }

  /**
   * A new address, as after a change of networks: in the same segment, or, with `behind`, in another one (`null` is the
   * public one). The old address is gone at once; sockets bound to it can send no more.
   *
   * @returns the new address.
   * @throws {LabClosedError}
   */
  async changeAddress({ behind }: { behind?: Nat | null } = {}): Promise<string> {
    const { address } = await this.helper.request<{ address: string }>('move', {
      member: this.member,
      stay: behind === undefined,
      behind: behind?.segmentFor(this.helper) ?? null
    })
    this.current = address
    if (behind !== undefined) this.behind = behind ?? undefined
    return address
  }

  /** @internal Resolves when everything started here has ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.#processes].map((child) => new Promise((resolve) => child.once('exit', resolve))))
  }
}
