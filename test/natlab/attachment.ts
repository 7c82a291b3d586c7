import type { Helper } from './helper.ts'
import { type Impairment, wiresOf } from './impairment.ts'
import type { Nat } from './nat.ts'

/** Which packets a cut takes; everything, each way, unless told otherwise. They vanish: nobody gets an error. */
export interface CutOptions {
  /** Only datagrams, or only TCP. @default both, and everything else */
  only?: 'udp' | 'tcp'
  /** `up`: what it sends; `down`: what is sent to it. @default 'both' */
  direction?: 'both' | 'up' | 'down'
  /**
   * Only what goes to or comes from these: IPv4 addresses, or hosts and NATs, which stand for their addresses and those
   * of the NATs they are behind, as they are now. @default everybody
   */
  peer?: Attachment | string | ReadonlyArray<Attachment | string>
}

/** Counts since the start, of IP packets. */
export interface WireTraffic {
  /** Sent on: neither lost nor cut. */
  packets: number
  /** Bytes of `packets`, IP headers included. */
  bytes: number
  /** Lost by `loss`. */
  lostPackets: number
  /** Dropped since the queue in front of `rateBitsPerSecond` was full, or the host was too slow to take them. */
  queueDroppedPackets: number
  /** Taken by a cut. */
  cutPackets: number
}

/** What a host or a NAT has in common: an address in a segment and a wire that can be bad or cut. */
export abstract class Attachment {
  protected readonly helper: Helper
  protected readonly member: number
  protected current: string
  #behind: Nat | undefined

  /** @internal */
  constructor(helper: Helper, member: number, address: string, behind: Nat | undefined) {
    this.helper = helper
    this.member = member
    this.current = address
    this.#behind = behind
  }

  /** Its IPv4 address in its segment; of a NAT, the one it shows outside. */
  get address(): string {
    return this.current
  }

  /** The NAT it is behind, or undefined on the public segment. */
  get behind(): Nat | undefined {
    return this.#behind
  }

  protected set behind(nat: Nat | undefined) {
    this.#behind = nat
  }

  /** Its own address and those of all NATs it is behind, from the inside out. */
  get addresses(): string[] {
    return [this.address, ...(this.behind?.addresses ?? [])]
  }

  /**
   * From now on its wire is like this, and not in any other way it was before: `impair({})` makes it perfect. Packets on
   * their way arrive as they would have.
   *
   * @throws {RangeError} if a number is out of its range.
   * @throws {LabClosedError}
   */
  async impair(impairment: Impairment): Promise<void> {
    await this.helper.request('impair', { member: this.member, ...wiresOf(impairment) })
  }

  /**
   * Packets vanish from now on, until `restore`. Cuts add up. The interface stays up, as with a wire that breaks far away.
   * Packets already on their way arrive.
   *
   * @throws {LabClosedError}
   */
  async cut({ only, direction = 'both', peer }: CutOptions = {}): Promise<void> {
    await this.helper.request('cut', {
      member: this.member,
      directions: direction === 'both' ? ['up', 'down'] : [direction],
      only: only ?? null,
      addresses: peer == null ? null : [peer].flat().flatMap((one) => (typeof one === 'string' ? one : one.addresses))
    })
  }

  /**
   * Ends all cuts.
   *
   * @throws {LabClosedError}
   */
  async restore(): Promise<void> {
    await this.helper.request('restore', { member: this.member })
  }

  /**
   * What its wire carried so far.
   *
   * @throws {LabClosedError}
   */
  traffic(): Promise<{ up: WireTraffic; down: WireTraffic }> {
    return this.helper.request('traffic', { member: this.member })
  }
}
