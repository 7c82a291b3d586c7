// What watches links inside a peer of the lab, page or Node process, and keeps them busy. It travels there as text, so it sees
// globals only.
import type { Stream } from '@libp2p/interface'
import type { CreateNodeInit, Link } from '../../../src/index.ts'
import type { Person as PersonType } from '../../browser/support/page/person.ts'

/** Since `watch`. */
export interface Watched {
  /** Another path was taken, or one was lost. */
  readonly moves: readonly string[]
  /** The state's name changed. */
  readonly changes: readonly string[]
  /** A path was taken for suspect, used or not: when, which, and what it was like. */
  readonly suspicions: readonly string[]
  /** Of each echo that came back. */
  readonly rttsMs: readonly number[]
  /** Echoes still under way. */
  readonly unanswered: number
  /** What bulk brought here. */
  readonly receivedBytes: number
}

export interface Watcher {
  /** So many nodes of their own; resolves with their PeerIds. */
  start(init: CreateNodeInit, count: number): Promise<string[]>
  /** Resolves when every one of ours has a link with its counterpart, direct where they look for that. */
  dial(peerIds: string[]): Promise<void>
  /** From now on; resolves when every link has settled on so many paths. */
  watch(paths: number): Promise<void>
  /** On all links, so many milliseconds apart until `stop`. */
  startEchoes(everyMs: number): Promise<void>
  /** One on each link; resolves when all have come back. */
  echoOnce(): Promise<void>
  /** As much as the first link takes until `stop`. */
  startBulk(): Promise<void>
  stop(): void
  /** As garbage collection and long computations do. */
  stall(ms: number): void
  watched(): Watched[]
}

declare global {
  var watcher: Watcher
}

/** Defines `globalThis.watcher`. */
export function installWatcher(): void {
  const ECHO = '/holdfast-soak/echo/1.0.0'
  const BULK = '/holdfast-soak/bulk/1.0.0'
  const BULK_BYTES = 16_384
  const DIRECT_TIMEOUT_MS = 30_000

  interface Sight {
    moves: string[]
    changes: string[]
    suspicions: string[]
    rttsMs: number[]
    receivedBytes: number
    readonly asked: number[]
    echo?: Stream
    answered?: () => void
  }

  let people: PersonType[] = []
  const sights: Sight[] = []
  const stops: Array<() => void> = []

  const blank = (): Sight => ({ moves: [], changes: [], suspicions: [], rttsMs: [], receivedBytes: 0, asked: [] })

  const openEcho = async (index: number): Promise<Stream> => {
    const sight = sights[index]!
    const stream = await people[index]!.link.connection.newStream(ECHO)
    let bytes = 0
    stream.addEventListener('message', ({ data }) => {
      bytes += data.byteLength
      for (; bytes >= 64; bytes -= 64) {
        sight.rttsMs.push(performance.now() - sight.asked.shift()!)
        sight.answered?.()
      }
    })
    sight.echo = stream
    return stream
  }

  const ask = (sight: Sight): void => {
    sight.asked.push(performance.now())
    sight.echo!.send(new Uint8Array(64))
  }

  globalThis.watcher = {
    async start(init, count) {
      people = await Promise.all(Array.from({ length: count }, () => Person.start(init)))
      for (const [index, { node }] of people.entries()) {
        sights[index] = blank()
        await node.handle(ECHO, (stream) => {
          stream.addEventListener('message', ({ data }) => void stream.send(data))
        })
        await node.handle(BULK, (stream) => {
          stream.addEventListener('message', ({ data }) => {
            sights[index]!.receivedBytes += data.byteLength
          })
        })
      }
      return people.map(({ peerId }) => peerId)
    },
    async dial(peerIds) {
      await Promise.all(
        people.map(async (person, index) => {
          await person.dial(peerIds[index]!, 'first')
          const { state } = person.link
          if (state.status === 'relayed' && state.upgrade.status === 'never') return
          await person.link.whenDirect({ signal: AbortSignal.timeout(DIRECT_TIMEOUT_MS) })
        })
      )
    },
    async watch(paths) {
      const isSettled = ({ link }: PersonType): boolean =>
        link.paths.length === paths && (paths === 1 || link.state.status === 'direct')
      while (!people.every(isSettled)) await new Promise((resolve) => setTimeout(resolve, 50))
      const start = performance.now()
      for (const [index, { link }] of people.entries()) {
        const sight = sights[index]!
        link.addEventListener('path:select', ({ detail: { path, cause } }) =>
          sight.moves.push(`${path.kind}: ${cause}`)
        )
        link.addEventListener('path:close', ({ detail: { path, cause } }) => {
          sight.moves.push(`${path.kind} closed: ${cause}`)
        })
        link.addEventListener('link:state', ({ detail: { state, previous, cause } }) => {
          if (state.status !== previous.status) sight.changes.push(`${state.status}: ${cause}`)
        })
        // Of a standby's suspicion nobody is told: the session tells its link by this method.
        const inside = link as Link & { onSuspect(path: number): void }
        const { onSuspect } = inside
        inside.onSuspect = (path) => {
          const paths = link.paths.map(
            ({ id, kind, role, rttMs }) => `${id} ${kind} ${role} ${Math.round(rttMs ?? 0)} ms`
          )
          sight.suspicions.push(`after ${Math.round(performance.now() - start)} ms: ${path} of ${paths.join(', ')}`)
          onSuspect.call(inside, path)
        }
      }
    },
    async startEchoes(everyMs) {
      for (const index of people.keys()) await openEcho(index)
      const timer = setInterval(() => sights.forEach(ask), everyMs)
      stops.push(() => clearInterval(timer))
    },
    async echoOnce() {
      await Promise.all(
        sights.map(async (sight, index) => {
          if (sight.echo == null) await openEcho(index)
          const { promise, resolve } = Promise.withResolvers<void>()
          sight.answered = resolve
          ask(sight)
          await promise
        })
      )
    },
    async startBulk() {
      const stream = await people[0]!.link.connection.newStream(BULK)
      let stopped = false
      const pump = (): void => {
        while (!stopped && stream.writeStatus === 'writable' && !stream.writableNeedsDrain) {
          if (!stream.send(new Uint8Array(BULK_BYTES))) return
        }
      }
      stream.addEventListener('drain', () => queueMicrotask(pump))
      stops.push(() => {
        stopped = true
      })
      pump()
    },
    stop() {
      for (const stop of stops.splice(0)) stop()
    },
    stall(ms) {
      const until = performance.now() + ms
      while (performance.now() < until);
    },
    watched: () =>
      sights.map(({ moves, changes, suspicions, rttsMs, asked, receivedBytes }) => {
        return { moves, changes, suspicions, rttsMs, receivedBytes, unanswered: asked.length }
      })
  }
}
