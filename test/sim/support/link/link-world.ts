import type { LinkState } from '../../../../src/link/api.ts'
import { instanceName } from '../../../../src/session/index.ts'
import { EventQueue } from '../event-queue.ts'
import { BrokenInvariantError, fail } from '../fail.ts'
import { Rng } from '../rng.ts'
import type { CircuitLimits } from './circuit.ts'
import type { SimCarrier, Weather } from './network.ts'
import { SimNode } from './sim-node.ts'

const DISTURBED_MS = 120_000
/** A dial that began in the storm times out after 6 s, an ICE attempt after 10 s; then backoff begins anew. */
const BACK_WITHIN_MS = 15_000
const CALM_MS = 45_000
/** Half of the shortest circuits, and a dial that began in the storm. */
const RENEWED_WITHIN_MS = 7_000
const WRITE_EVERY_MS = 200

const CHECK_EVERY_MS = 250
const KIB = 1_024

const FINE: Weather = {
  relayUp: true,
  relaySilent: false,
  directPossible: true,
  directSilent: false,
  limits: undefined
}

function planLimits(rng: Rng): CircuitLimits {
  return {
    bytes: rng.pick([128, 1_024, 128 * 1_024]) * KIB,
    durationMs: rng.pick([10_000, 30_000, 120_000]),
    says: rng.pick(['seconds', 'milliseconds'] as const)
  }
}

export class LinkStats {
  selections = 0
  suspicions = 0
  abandoned = 0
  left = 0
  upgrades = 0
  redials = 0
  renewals = 0
  asked = 0
  expired = 0
  superseded = 0
  crashes = 0
  freezes = 0
  asides = 0
  circuitsEnded = 0
  relayed = 0
  direct = 0
  recovering = 0
  closed = 0

  onState(status: LinkState['status']): void {
    if (status !== 'connecting') this[status]++
  }

  add(other: LinkStats): void {
    for (const key of Object.keys(this) as Array<keyof this>) {
      if (typeof this[key] === 'number') (this[key] as number) += other[key as keyof LinkStats] as number
    }
  }

  zeros(): string[] {
    return Object.entries(this).flatMap(([name, count]) => (count === 0 ? [name] : []))
  }
}

/** Two processes in bad weather; afterwards the sun shines, and both must have the same link, on the best path, with all bytes. */
export class LinkWorld {
  readonly rng: Rng
  readonly queue = new EventQueue()
  readonly stats = new LinkStats()
  readonly carriers: SimCarrier[] = []
  readonly upgrades: boolean
  readonly weather: Weather
  readonly nodes: [SimNode, SimNode]
  readonly #trace: boolean
  #calm = false
  #disturbedAt = 0

  constructor(seed: number, trace: boolean) {
    this.rng = new Rng(seed)
    this.#trace = trace
    this.upgrades = this.rng.chance(0.85)
    this.weather = { ...FINE, limits: this.rng.chance(0.4) ? planLimits(this.rng) : undefined }
    this.nodes = [new SimNode(0, this), new SimNode(1, this)]
  }

  trace(text: string): void {
    if (this.#trace) console.log(`${this.queue.now.toFixed(0).padStart(7)} ms  ${text}`)
  }

  /** The relay cut a circuit that was too old. Whoever can dial has replaced it before. */
  onCircuitEnded(works: boolean): void {
    this.stats.circuitsEnded++
    const hindered = Math.max(this.#disturbedAt, ...this.nodes.map(({ awakeSince }) => awakeSince))
    if (works && this.queue.now - hindered > RENEWED_WITHIN_MS && this.weather.relayUp)
      fail('a circuit was used until its relay cut it off')
  }

  run(): LinkStats {
    try {
      this.#run()
    } catch (err) {
      const at = `link schedule ${this.rng.seed} at ${this.queue.now.toFixed(0)} ms`
      throw new BrokenInvariantError(
        `${at}: ${(err as Error).message} (replay: HOLDFAST_SEED=${this.rng.seed} npm run test:sim -- link)`,
        {
          cause: err
        }
      )
    }
    return this.stats
  }

  #run(): void {
    this.#want(0)
    if (this.rng.chance(0.3)) this.#want(1)
    this.#write()
    this.#checkTime()
    this.#disturb()
    this.#advance(DISTURBED_MS)
    this.#calm = true
    Object.assign(this.weather, FINE)
    this.trace('calm')
    this.#changeNetwork()
    this.#advance(DISTURBED_MS + BACK_WITHIN_MS)
    this.#checkBack()
    this.#advance(DISTURBED_MS + CALM_MS)
    this.#check()
  }

  #advance(until: number): void {
    let sameTime = 0
    let last = -1
    while (this.queue.nextAt != null && this.queue.nextAt <= until) {
      sameTime = this.queue.nextAt === last ? sameTime + 1 : 0
      last = this.queue.nextAt
      if (sameTime > 20_000) fail('the machines spin without time passing')
      this.queue.runNext()
    }
  }

  /** The application of this side keeps asking for a link. */
  #want(side: 0 | 1): void {
    this.nodes[side].dial()
    this.queue.after(this.rng.between(500, 1_500), () => this.#want(side))
  }

  #write(): void {
    for (const { link, isAwake } of this.nodes) if (isAwake && !this.#isQuiet) link?.write(this.rng.between(1, 4_000))
    this.queue.after(WRITE_EVERY_MS, () => this.#write())
  }

  #checkTime(): void {
    for (const node of this.nodes) if (node.isAwake) node.link?.checkTime()
    this.queue.after(CHECK_EVERY_MS, () => this.#checkTime())
  }

  /** The last seconds only deliver. */
  get #isQuiet(): boolean {
    return this.queue.now > DISTURBED_MS + CALM_MS - 5_000
  }

  #disturb(): void {
    this.queue.after(this.rng.between(200, 12_000), () => {
      if (this.#calm) return
      this.#happen()
      this.#disturb()
    })
  }

  #happen(): void {
    const { rng, weather } = this
    const flip = (name: 'directSilent' | 'directPossible' | 'relaySilent'): void => {
      weather[name] = !weather[name]
      this.trace(`${name} is ${weather[name]}`)
    }
    const what = rng.next()
    this.#disturbedAt = this.queue.now
    if (what < 0.2) flip('directSilent')
    else if (what < 0.35) flip('directPossible')
    else if (what < 0.45) flip('relaySilent')
    else if (what < 0.6) this.#toggleRelay()
    else if (what < 0.75) {
      const open = this.carriers.filter((carrier) => carrier.isOpen)
      if (open.length > 0) rng.pick(open).cut('carrier cut')
    } else if (what < 0.85) {
      this.stats.freezes++
      const ms = Math.min(rng.between(500, 25_000), DISTURBED_MS - this.queue.now)
      const side = rng.int(2)
      this.trace(`side ${side} freezes for ${ms} ms`)
      this.nodes[side]!.freeze(ms)
    } else if (what < 0.92) this.#restart(rng.int(2) as 0 | 1)
    else if (what < 0.96) this.#putAside(rng.pick(this.nodes))
    else this.#changeNetwork()
  }

  #changeNetwork(): void {
    for (const node of this.nodes) node.after(0, () => node.link?.step({ type: 'networkChanged' }))
  }

  /** As a page that goes into the back/forward cache and comes back. */
  #putAside(node: SimNode): void {
    const { link } = node
    if (link == null || !node.isAwake) return
    const ms = Math.min(this.rng.between(500, 25_000), DISTURBED_MS - this.queue.now)
    this.stats.asides++
    this.trace(`side ${node.side} is put aside for ${ms} ms`)
    link.suspend()
    node.after(ms, () => link.step({ type: 'resumed' }))
    node.freeze(ms)
  }

  #toggleRelay(): void {
    this.weather.relayUp = !this.weather.relayUp
    this.trace(`relay ${this.weather.relayUp ? 'up' : 'down'}`)
    if (this.weather.relayUp) return
    for (const carrier of this.carriers) if (carrier.kind === 'relayed') carrier.cut('relay stopped')
  }

  #restart(side: 0 | 1): void {
    this.stats.crashes++
    this.trace(`side ${side} restarts`)
    this.nodes[side].crash()
    this.nodes[side] = new SimNode(side, this)
  }

  #checkBack(): void {
    for (const { side, link } of this.nodes) {
      const status = link?.state.status ?? 'without a link'
      if (status !== 'relayed' && status !== 'direct')
        fail(`side ${side} is ${status} after ${BACK_WITHIN_MS} ms of calm`)
    }
  }

  #check(): void {
    const [a, b] = this.nodes
    const [x, y] = [a.link, b.link]
    if (x == null || y == null) fail('a side has no link')
    const same =
      x.name.peerInstance === instanceName(b.self.instance) &&
      y.name.peerInstance === instanceName(a.self.instance) &&
      x.name.epoch === y.name.epoch
    if (!same) fail('the sides hold different sessions')
    const expected = this.upgrades ? 'direct' : 'relayed'
    for (const link of [x, y]) {
      if (link.state.status !== expected)
        fail(`side ${link.node.side} is ${JSON.stringify(link.state)}, not ${expected}`)
    }
    if (x.written !== y.received) fail(`${x.written} bytes written by side 0, ${y.received} delivered`)
    if (y.written !== x.received) fail(`${y.written} bytes written by side 1, ${x.received} delivered`)
  }
}
