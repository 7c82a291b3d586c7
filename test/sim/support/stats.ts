/** What happened over many schedules. A check that never saw the thing it checks is worth nothing: none may be zero. */
export class Stats {
  schedules = 0
  events = 0
  virtualMs = 0
  bytes = 0
  frames = 0
  streams = 0
  streamsRefused = 0
  migrations = 0
  outages = 0
  supersedes = 0
  restarts = 0
  resets = 0
  stops = 0
  pathDeaths = 0
  blackHoles = 0
  freezes = 0
  duplicatesDropped = 0
  outOfOrder = 0
  suspicions = 0
  suspicionsByPeer = 0
  restorations = 0
  blocked = 0
  writesRefused = 0
  carrierFull = 0
  pings = 0
  gracefulCloses = 0
  aborts = 0

  add(other: Stats): void {
    for (const key of KEYS) this[key] += other[key]
  }

  /** Names of what never happened. */
  zeros(): string[] {
    return KEYS.filter((key) => this[key] === 0)
  }

  toString(): string {
    return KEYS.map((key) => `${key} ${Math.round(this[key])}`).join(', ')
  }
}

type Key = Exclude<keyof Stats, 'add' | 'zeros' | 'toString'>
const KEYS = Object.keys(new Stats()) as Key[]
