/**
 * The Gilbert–Elliott model of loss in bursts: a wire is good or bad and may change with every packet. A burst lasts
 * `1 / badToGood` packets on average.
 */
export interface GilbertElliott {
  /** Chance, per packet, that a good wire turns bad, 0 to 1. */
  goodToBad: number
  /** Chance, per packet, that a bad wire turns good, above 0 to 1. */
  badToGood: number
  /** Chance that a good wire loses a packet, 0 to 1. @default 0 */
  lossInGood?: number
  /** Chance that a bad wire loses a packet, 0 to 1. @default 1 */
  lossInBad?: number
}

/** What one direction of a wire does to packets. Left out means: nothing. Packets never overtake each other. */
export interface WireImpairment {
  /** Time every packet takes, in milliseconds, one way. @default 0 */
  delayMs?: number
  /**
   * Up to this many milliseconds more for each packet, evenly spread. As packets keep their order, one that is late holds
   * up those behind it: in a dense stream most take nearly `delayMs + jitterMs`. @default 0
   */
  jitterMs?: number
  /** Chance that a packet is lost, 0 to 1, each for itself; or in bursts. @default 0 */
  loss?: number | { burst: GilbertElliott }
  /** Bits of IP packets per second, headers included. Left out: as fast as the helper is. */
  rateBitsPerSecond?: number
  /** With a rate: a packet that would wait longer than this many milliseconds is dropped. @default 200 */
  queueMs?: number
}

/**
 * The same each way (a round trip takes twice `delayMs`), or each way apart: `up` is away from the host or NAT it is set
 * for, `down` is towards it.
 */
export type Impairment = WireImpairment | { up?: WireImpairment; down?: WireImpairment }

/** Both directions, as the helper wants them. */
export interface Wires {
  up: WireImpairment
  down: WireImpairment
}

/** The part of packets, 0 to 1, that a loss model loses in the long run. */
export function meanLoss(loss: NonNullable<WireImpairment['loss']>): number {
  if (typeof loss === 'number') return loss
  const { goodToBad, badToGood, lossInGood = 0, lossInBad = 1 } = loss.burst
  const bad = goodToBad / (goodToBad + badToGood)
  return bad * lossInBad + (1 - bad) * lossInGood
}

function inRange(name: string, value: number | undefined, low: number, high: number): void {
  if (value == null || (value >= low && value <= high)) return
  throw new RangeError(`${name} is ${value}; it has to be from ${low} to ${high}`)
}

function checked(wire: WireImpairment): WireImpairment {
  for (const name of ['delayMs', 'jitterMs', 'queueMs'] as const) inRange(name, wire[name], 0, 60_000)
  inRange('rateBitsPerSecond', wire.rateBitsPerSecond, 1, 1e12)
  if (typeof wire.loss !== 'object') {
    inRange('loss', wire.loss, 0, 1)
    return wire
  }
  const burst = { lossInGood: 0, lossInBad: 1, ...wire.loss.burst }
  for (const [name, value] of Object.entries(burst)) inRange(`loss.burst.${name}`, value, 0, 1)
  if (burst.badToGood === 0)
    throw new RangeError('loss.burst.badToGood is 0: a bad wire would stay bad; use cut() for that')
  return { ...wire, loss: { burst } }
}

/**
 * Each direction, checked.
 *
 * @throws {RangeError} if a number is out of its range.
 */
export function wiresOf(impairment: Impairment): Wires {
  const { up, down } = impairment as { up?: WireImpairment; down?: WireImpairment }
  if (up == null && down == null) {
    const both = checked(impairment as WireImpairment)
    return { up: both, down: both }
  }
  return { up: checked(up ?? {}), down: checked(down ?? {}) }
}
