import { Helper } from './helper.ts'
import { Host, type HostOptions, type HostPlace } from './host.ts'
import { wiresOf } from './impairment.ts'
import { behaviourOf, Nat, type NatOptions } from './nat.ts'

/** What a lab is made of. */
export interface LabOptions {
  /** What chance starts from: the same seed loses the same packets, if they come in the same order. @default by chance */
  seed?: number
  /**
   * The first three numbers of the public segment's addresses. @default '44.128.0': addresses for tests (of amateur radio)
   * that programs take for public ones, as they do not with those reserved for documentation
   */
  publicPrefix?: string
  /**
   * How TCP of the hosts controls congestion: `cubic` as on most people's machines, `bbr` as on many servers (every 10 s of
   * load it sends next to nothing for 200 ms), `reno`, or what else the kernel has. @default as this machine does it
   */
  congestion?: string
}

/** A network of its own: an internet, hosts, and NATs for them to be behind. It ends with this process at the latest. */
export class Lab {
  /** What chance started from: hand it to `createLab` to have the same again. */
  readonly seed: number
  /** The public segment, a /24, for example `44.128.0.0/24`. */
  readonly internet: { readonly subnet: string }
  readonly #helper: Helper
  readonly #hosts: Host[] = []

  /** @internal */
  constructor(helper: Helper, seed: number, prefix: string) {
    this.#helper = helper
    this.seed = seed
    this.internet = { subnet: `${prefix}.0/24` }
  }

  /**
   * A new host, ready to run programs.
   *
   * @throws {LabError} if the segment is full (241 hosts and NATs), or the NAT is of another lab.
   * @throws {RangeError} if a number of `impair` is out of its range.
   * @throws {LabClosedError}
   */
  async host({ name, behind, impair }: HostOptions = {}): Promise<Host> {
    const wires = impair == null ? undefined : wiresOf(impair)
    const place = await this.#helper.request<HostPlace>('host', { behind: behind?.segmentFor(this.#helper) ?? null })
    if (wires != null) await this.#helper.request('impair', { member: place.member, ...wires })
    const host = new Host(this.#helper, name ?? `host${this.#hosts.length + 1}`, place, behind)
    this.#hosts.push(host)
    return host
  }

  /**
   * A new NAT with a private segment behind it.
   *
   * @throws {LabError} if the segment it would be in is full (241 hosts and NATs), the lab has 255 NATs, or `behind` is of another lab.
   * @throws {RangeError} if a number of `impair` is out of its range.
   * @throws {LabClosedError}
   */
  async nat(options: NatOptions = {}): Promise<Nat> {
    const wires = options.impair == null ? undefined : wiresOf(options.impair)
    const place = await this.#helper.request<{ member: number; address: string }>('nat', {
      behind: options.behind?.segmentFor(this.#helper) ?? null,
      config: behaviourOf(options)
    })
    if (wires != null) await this.#helper.request('impair', { member: place.member, ...wires })
    return new Nat(this.#helper, place, options)
  }

  /** Kills every process of the lab and resolves when nothing of it is left. Calling it again does nothing. */
  async close(): Promise<void> {
    const ended = this.#hosts.map((host) => host.ended())
    await this.#helper.close()
    await Promise.all(ended)
  }
}

/**
 * A new, empty lab. No root is needed where the kernel allows user namespaces; all needed besides is `python3`.
 *
 * @throws {LabUnavailableError} if there can be none here; see `whyNoLab`.
 */
export async function createLab(options: LabOptions = {}): Promise<Lab> {
  const { seed = Math.floor(Math.random() * 2 ** 31), publicPrefix: prefix = '44.128.0', congestion } = options
  if (!/^\d{1,3}(\.\d{1,3}){2}$/.test(prefix)) {
    throw new RangeError(`publicPrefix is '${prefix}'; it has to be three numbers, such as '44.128.0'`)
  }
  return new Lab(await Helper.start({ seed, prefix, congestion }), seed, prefix)
}
