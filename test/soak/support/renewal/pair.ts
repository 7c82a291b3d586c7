// Two peers with a link between them, in browsers or in Node, and what they say of it.
import { expect } from 'vitest'
import { openPeer, type Peer, type PeerKind } from '../../../natlab/peers/index.ts'
import type { Place } from './place.ts'

export interface Pair {
  /** It dialled. */
  readonly a: Peer
  readonly b: Peer
  close(): Promise<void>
}

export async function openPair({ hosts, relays }: Place, kinds: readonly [PeerKind, PeerKind]): Promise<Pair> {
  const peers = await Promise.all(kinds.map((kind, side) => openPeer(hosts[side]!, { kind, globals: { relays } })))
  const [a, b] = peers as [Peer, Peer]
  const start = async (): Promise<string> => {
    globalThis.person = await Person.start({ relays })
    return person.peerId
  }
  const [idOfA, idOfB] = await Promise.all([a.evaluate(start), b.evaluate(start)])
  const dial = (id: string): Promise<void> => person.dial(id, 'first').then(() => {})
  await a.evaluate(dial, idOfB)
  // Over the same link: the other way.
  await b.evaluate(dial, idOfA)
  return {
    a,
    b,
    async close() {
      await Promise.all([a.close(), b.close()])
    }
  }
}

export interface Ends {
  readonly circuits: number
  /** Times it was without a path. */
  readonly recoveries: number
  /** Ends of relayed paths that nobody meant. */
  readonly cut: readonly string[]
  /** For people: everything, in ms from the first. */
  readonly story: string
}

export async function endsOf(peer: Peer): Promise<Ends> {
  const seen = await peer.evaluate(() => person.seen)
  const start = seen[0]?.at ?? 0
  return {
    // The first one is attached before anybody can listen.
    circuits: 1 + seen.filter(({ what }) => what.startsWith('relayed opened')).length,
    recoveries: seen.filter(({ what }) => what.startsWith('recovering:')).length,
    cut: seen.filter(({ what }) => /^relayed closed: .*(reset|abort|lost)/i.test(what)).map(({ what }) => what),
    story: seen.map(({ at, what }) => `${at - start} ${what}`).join('; ')
  }
}

/** The relay ended no circuit, and no side was ever without a path. */
export function expectNoCut(ends: readonly Ends[]): void {
  for (const { cut, recoveries, story } of ends) {
    expect(cut, story).toEqual([])
    expect(recoveries, story).toBe(0)
  }
}

export interface Moved {
  readonly bytesLost: number
  readonly longestGapMs: number
  /** Of the slower direction. */
  readonly goodputKiBps: number
}

const KIB = 1_024

/** From `a`, or from both at once; every byte must be what was sent. */
export async function transfer({ a, b }: Pair, bytes: number, both: boolean): Promise<Moved> {
  const directions = both
    ? [
        { from: a, to: b },
        { from: b, to: a }
      ]
    : [{ from: a, to: b }]
  const moved = await Promise.all(
    directions.map(async ({ from, to }) => {
      const [sent, received] = await Promise.all([
        from.evaluate((bytes) => person.send(bytes), bytes),
        to.evaluate(() => person.received)
      ])
      expect(received, (await endsOf(to)).story).toMatchObject(sent)
      return { ...received, bytesLost: sent.bytes - received.bytes }
    })
  )
  return {
    bytesLost: moved.reduce((sum, { bytesLost }) => sum + bytesLost, 0),
    longestGapMs: Math.round(Math.max(...moved.map(({ longestGapMs }) => longestGapMs))),
    goodputKiBps: Math.round(Math.min(...moved.map(({ bytes, ms }) => bytes / KIB / (ms / 1_000))))
  }
}

export interface Chatted {
  readonly messages: number
  /** Round trips. */
  readonly longestAnswerMs: number
  /** Between two messages at either side. */
  readonly longestGapMs: number
}

/** Both say something, and wait so long after each answer. */
export async function chat({ a, b }: Pair, chatMs: number, everyMs: number): Promise<Chatted> {
  const talk = async ([chatMs, everyMs]: readonly [number, number]) => {
    const heardBefore = person.heard.length
    const answerMs: number[] = []
    const end = performance.now() + chatMs
    while (performance.now() < end) {
      answerMs.push(await person.say(`message ${answerMs.length}`))
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
    return { answerMs, heardAt: person.heard.slice(heardBefore).map(({ at }) => at) }
  }
  const sides = await Promise.all([a, b].map((peer) => peer.evaluate(talk, [chatMs, everyMs] as const)))
  return {
    messages: sides.reduce((sum, { answerMs }) => sum + answerMs.length, 0),
    longestAnswerMs: Math.round(Math.max(...sides.flatMap(({ answerMs }) => answerMs))),
    longestGapMs: Math.max(...sides.flatMap(({ heardAt }) => heardAt.slice(1).map((at, i) => at - heardAt[i]!)))
  }
}
