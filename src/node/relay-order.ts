/**
 * Relays in the order in which this peer wants them: rendezvous hashing (highest random weight, Thaler and Ravishankar
 * 1998). Peers spread evenly over relays, all who know a peer's id agree on its order, and a relay that is added or removed
 * changes nothing about the others.
 */
export function relayOrder<T>(peer: string, relays: readonly T[], idOf: (relay: T) => string): T[] {
  return relays
    .map((relay) => ({ relay, weight: weight(peer, idOf(relay)) }))
    .sort((a, b) => b.weight - a.weight)
    .map(({ relay }) => relay)
}

/** FNV-1a, and the finish of MurmurHash3: of ids that differ in one letter, all bits differ. */
function weight(peer: string, relay: string): number {
  let hash = 0x811c9dc5
  for (const char of `${peer}/${relay}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
