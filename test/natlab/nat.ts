import { Attachment } from './attachment.ts'
import { LabError } from './errors.ts'
import type { Helper } from './helper.ts'
import type { Impairment } from './impairment.ts'

/** What a behaviour depends on, in the words of RFC 4787. */
export type Dependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent'

/**
 * - `endpoint-independent`: one external port per socket whoever it talks to; in comes only what answers (a
 *   "port-restricted cone"). Two of them can be punched through.
 * - `full-cone`: the same mapping; in comes whatever is sent to the port.
 * - `symmetric`: another external port for each remote address and port; in comes only what answers. Two of them cannot
 *   be punched through.
 */
export type NatKind = 'endpoint-independent' | 'full-cone' | 'symmetric'

/** How a NAT treats packets (RFC 4787 for UDP; TCP and pings alike). */
export interface NatBehaviour {
  /** A name, or mapping and filtering apart. @default 'endpoint-independent' */
  kind?: NatKind | { mapping: Dependence; filtering: Dependence }
  /** No UDP gets through, either way. Nobody gets an error. @default false */
  blockUdp?: boolean
  /** What is sent from inside to its own outside address comes back in. @default false, as with many home routers */
  hairpin?: boolean
  /**
   * A UDP mapping nothing was sent out by for this long is forgotten, in milliseconds. @default 120000, the least RFC 4787
   * allows; lower ones exist, 30000 for example
   */
  mappingTimeoutMs?: number
}

/** What a NAT is made of. */
export interface NatOptions extends NatBehaviour {
  /** Another NAT whose private segment it is in ("double NAT"). @default none: it is on the public segment */
  behind?: Nat
  /** What the wire on its outside does to packets. @default nothing */
  impair?: Impairment
}

const kinds: Record<NatKind, { mapping: Dependence; filtering: Dependence }> = {
  'endpoint-independent': { mapping: 'endpoint-independent', filtering: 'address-and-port-dependent' },
  'full-cone': { mapping: 'endpoint-independent', filtering: 'endpoint-independent' },
  symmetric: { mapping: 'address-and-port-dependent', filtering: 'address-and-port-dependent' }
}

/** @internal */
export function behaviourOf(behaviour: NatBehaviour): Record<string, unknown> {
  const { kind = 'endpoint-independent', blockUdp = false, hairpin = false, mappingTimeoutMs = 120_000 } = behaviour
  return { ...(typeof kind === 'string' ? kinds[kind] : kind), blockUdp, hairpin, mappingTimeoutMs }
}

/**
 * A router with a private segment of its own (192.168.n.0/24) and one address outside. External ports are random, never
 * the inside one. Fragments and ICMP errors do not get through.
 */
export class Nat extends Attachment {
  #behaviour: NatBehaviour

  /** @internal */
  constructor(helper: Helper, place: { member: number; address: string }, options: NatOptions) {
    super(helper, place.member, place.address, options.behind)
    this.#behaviour = options
  }

  /** @internal How the helper of its lab calls the segment inside. */
  segmentFor(helper: Helper): number {
    if (helper !== this.helper)
      throw new LabError('This NAT is of another lab: make one in the lab of what is behind it')
    return this.member
  }

  /**
   * Treats packets differently from now on; what is not named stays as it is. Existing mappings stay: `rebind` drops them.
   *
   * @throws {LabClosedError}
   */
  async change(behaviour: NatBehaviour): Promise<void> {
    this.#behaviour = { ...this.#behaviour, ...behaviour }
    await this.helper.request('configure_nat', { member: this.member, config: behaviourOf(this.#behaviour) })
  }

  /**
   * Forgets all mappings, as after a restart: what comes in is dropped, what goes out gets new external ports. With
   * `newAddress`, from a new address too.
   *
   * @returns its address outside.
   * @throws {LabClosedError}
   */
  async rebind({ newAddress = false }: { newAddress?: boolean } = {}): Promise<string> {
    const { address } = await this.helper.request<{ address: string }>('rebind', {
      member: this.member,
      new_address: newAddress
    })
    this.current = address
    return address
  }
}
