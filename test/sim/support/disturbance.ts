import type { SimPath } from './sim-path.ts'
import type { World } from './world.ts'

type Disturbance = (world: World) => void

const WEIGHTED: readonly (readonly [weight: number, disturbance: Disturbance])[] = [
  [5, dial],
  [4, prefer],
  [2, ping],
  [3, freeze],
  [2, freezeOneWay],
  [2, dieLoudly],
  [2, dieQuietly],
  [2, leave],
  [1, totalOutage],
  [1, freezeAll]
]
const TOTAL = WEIGHTED.reduce((sum, [weight]) => sum + weight, 0)

/** Something happens to the paths between the two, or to what the sides think of them. */
export function disturb(world: World): void {
  let at = world.rng.int(TOTAL)
  for (const [weight, disturbance] of WEIGHTED) {
    if (at < weight) {
      disturbance(world)
      return
    }
    at -= weight
  }
}

function dial({ peers, rng, noDialBefore, queue }: World): void {
  if (queue.now >= noDialBefore && peers.some(({ session }) => session != null)) rng.pick(peers).dial()
}

/** One side changes its mind about where to send. */
export function prefer({ peers, rng, queue, trace }: World): void {
  const peer = rng.pick(peers)
  const order = rng.shuffle(peer.attached.map(({ id }) => id)).slice(0, rng.between(1, 4))
  trace?.(`side ${peer.side} prefers ${order.join()}`)
  peer.command((session) => session.prefer(order, queue.now))
}

function ping({ peers, rng, queue }: World): void {
  const peer = rng.pick(peers)
  for (const { id } of peer.attached) peer.command((session) => session.ping(id, queue.now))
}

/** A gap in the radio: nothing is lost, much is suspected. */
function freeze(world: World): void {
  const path = livePath(world)
  if (path == null) return
  const forMs = world.rng.between(50, 3_000)
  world.stats.freezes++
  world.trace?.(`path ${path.id} freezes for ${forMs} ms`)
  for (const lane of path.lanes) lane.freeze(forMs)
}

function freezeOneWay(world: World): void {
  const path = livePath(world)
  if (path == null) return
  const forMs = world.rng.between(50, 3_000)
  const side = world.rng.int(2)
  world.stats.freezes++
  world.trace?.(`path ${path.id} freezes from side ${side} for ${forMs} ms`)
  path.lanes[side]!.freeze(forMs)
}

function freezeAll(world: World): void {
  for (const path of world.paths) {
    const forMs = world.rng.between(50, 1_500)
    world.stats.freezes++
    world.trace?.(`path ${path.id} freezes for ${forMs} ms`)
    for (const lane of path.lanes) lane.freeze(forMs)
  }
}

/** The carrier dies; the sides notice at once or later, together or not. */
function dieLoudly(world: World): void {
  const path = livePath(world)
  if (path != null) kill(world, path)
}

function kill(world: World, path: SimPath): void {
  const notice = () => (world.rng.chance(0.5) ? 0 : world.rng.int(2_000))
  const at = [notice(), notice()] as const
  world.stats.pathDeaths++
  world.trace?.(`path ${path.id} dies, noticed after ${at.join(' and ')} ms`)
  path.kill(at)
}

/** A black hole, in one direction or both, that somebody notices much later. */
function dieQuietly(world: World): void {
  const { rng, stats, trace, queue } = world
  const path = livePath(world)
  if (path == null) return
  const directions = rng.pick([[0], [1], [0, 1]] as const)
  stats.blackHoles++
  trace?.(`path ${path.id} swallows what side ${directions.join(' and ')} sends`)
  for (const side of directions) path.blackHole(side)
  queue.after(rng.between(300, 4_000), () => {
    if (path.isOpen) kill(world, path)
  })
}

/** One side closes it, with or without saying so before. */
function leave(world: World): void {
  const { rng, queue, trace } = world
  const path = livePath(world)
  if (path == null) return
  const peer = rng.pick(world.peers)
  trace?.(`side ${peer.side} leaves path ${path.id}`)
  if (rng.chance(0.5) || !peer.attached.includes(path)) {
    peer.closePath(path)
    return
  }
  peer.command((session) => session.sendGoaway(path.id, 1, 100, queue.now))
  queue.after(100, () => peer.closePath(path))
}

function totalOutage(world: World): void {
  const forMs = world.rng.between(50, 3_000)
  world.trace?.(`no path for ${forMs} ms`)
  world.noDialBefore = world.queue.now + forMs
  for (const path of world.paths) if (path.isOpen) kill(world, path)
}

function livePath({ paths, rng }: World): SimPath | undefined {
  const live = paths.filter(({ isOpen, broken }) => isOpen && !broken)
  return live.length === 0 ? undefined : rng.pick(live)
}
