import type { PathStats } from '../../../../src/session/index.ts'
import type { Frame, StreamFrame } from '../../../../src/wire/index.ts'
import { isCounted } from '../../../support/counted.ts'
import { fail } from '../fail.ts'
import type { Direction } from '../ledger.ts'
import { Controls } from './controls.ts'
import { SentLog } from './sent-log.ts'
import { SentStreams } from './sent-streams.ts'

/** Silence shorter than this is never suspicious; a sum of fractions may be a little less. */
const MIN_SUSPICION_MS = 199.999
/** Once the peer is heard elsewhere, a silent path may be trusted this much longer than a round trip and an RTO of its own. */
const SUSPICION_GRACE_MS = 60

/** What one side sent, by its frames alone: what it must keep, send again, suspect and trust. */
export class SentModel {
  readonly #logs = new Map<number, SentLog>()
  readonly #streams = new SentStreams()
  readonly #controls = new Controls()
  /** Since the last check. */
  readonly #echoes = new Set<number>()
  readonly #heard = new Set<number>()
  readonly #suspectedByPeer = new Set<number>()
  #recheckSuspects = false

  onStart(stream: number, direction: Direction): void {
    this.#streams.start(stream, direction)
  }

  onAttached(path: number, now: number): void {
    this.#logs.set(path, new SentLog(path, now))
    this.#recheckSuspects = true
  }

  onDetached(path: number): void {
    const log = this.#logs.get(path)
    if (log == null) return
    this.#logs.delete(path)
    this.#loseStreams(log)
    this.#controls.onPathGone(path, (sequence) => log.isAcked(sequence))
    this.#recheckSuspects = true
  }

  onOut(path: number, frame: Frame, now: number): void {
    const log = this.#logs.get(path) ?? fail(`${frame.type} leaves on path ${path}, which is not attached`)
    if (isCounted(frame)) {
      const sequence = log.onSent(frame, now)
      if (frame.type === 'stream') this.#streams.onSent(frame)
      else this.#controls.onSent(frame, path, sequence)
    } else if (frame.type === 'ping') {
      log.onPing(frame.nonce)
    } else if (frame.type === 'status' && frame.suspects != null) {
      const suspect = this.#logs.get(frame.suspects)
      if (suspect != null) suspect.untold = false
    }
  }

  onIn(path: number, frame: Frame, now: number): void {
    this.#heard.add(path)
    this.#logs.get(path)?.onHeard(now)
    if (isCounted(frame)) {
      this.#controls.onReceived(frame)
    } else if (frame.type === 'pong') {
      if (this.#logs.get(path)?.onPong(frame.nonce, now) === true) this.#echoes.add(path)
    } else if (frame.type === 'status') {
      if (frame.suspects != null) this.#suspectedByPeer.add(frame.suspects)
    } else if (frame.type === 'ack') {
      const acked = this.#logs.get(frame.path)?.onAck(frame.sequence, path === frame.path, now)
      if (acked == null) return
      if (acked.isEcho) this.#echoes.add(path)
      for (const { frame: was } of acked.records) {
        if (was.type === 'stream') this.#streams.onAcked(was)
        else this.#controls.onAcked(was)
      }
    }
  }

  onSuspect(path: number, by: 'self' | 'peer', now: number): void {
    const log = this.#logs.get(path) ?? fail(`path ${path} is suspected, and not attached`)
    if (log.suspect) fail(`path ${path} is suspected twice`)
    log.suspect = true
    log.untold = by === 'self'
    this.#recheckSuspects = true
    if (by === 'peer') {
      if (!this.#suspectedByPeer.has(path)) fail(`path ${path} is suspected by the peer, which did not say so`)
      return
    }
    const oldest = log.oldestUnechoedAt ?? fail(`path ${path} is suspected though its own ACKs told of all`)
    const silentMs = now - Math.max(oldest, log.progressAt)
    if (silentMs < MIN_SUSPICION_MS) fail(`path ${path} is suspected after ${silentMs} ms of silence`)
  }

  onRestored(path: number): void {
    const log = this.#logs.get(path)
    if (log?.suspect !== true) fail(`path ${path} is trusted again, and was not suspect`)
    if (!this.#echoes.has(path)) fail(`path ${path} is trusted again though its own echo did not come`)
    log.suspect = false
    log.untold = false
    this.#recheckSuspects = true
  }

  get keptBytes(): number {
    return this.#streams.keptBytes
  }

  /** `isWritable`: every carrier takes bytes. `isOver`: whether this side is done reading a stream. */
  check(stats: readonly PathStats[], isWritable: boolean, isOver: (stream: number) => boolean, now: number): void {
    this.#checkSuspicion(stats, now)
    this.#echoes.clear()
    this.#heard.clear()
    this.#suspectedByPeer.clear()
    if (!isWritable || stats.length === 0) return
    const isHealthy = stats.some(({ status }) => status === 'healthy')
    if (isHealthy) this.#checkTold()
    if (isFull(stats)) return
    if (isHealthy && this.#recheckSuspects) {
      this.#recheckSuspects = false
      for (const log of this.#logs.values()) if (log.suspect) this.#loseStreams(log)
    }
    const { homeless } = this.#streams
    if (homeless != null) fail(`${homeless}: lost with its path, and not sent again`)
    const control = this.#controls.homeless(isOver)
    if (control != null) fail(`${control}: lost with its path, and not said again`)
  }

  #loseStreams(log: SentLog): void {
    for (const { frame } of log.unacked) {
      if (frame.type === 'stream') this.#streams.onHomeless(frame, this.#underWayBeside(log))
    }
  }

  *#underWayBeside(log: SentLog): Generator<StreamFrame> {
    for (const other of this.#logs.values()) {
      if (other === log) continue
      for (const { frame } of other.unacked) if (frame.type === 'stream') yield frame
    }
  }

  #checkTold(): void {
    for (const { path, untold } of this.#logs.values()) {
      if (untold) fail(`the peer is not told that path ${path} is suspect`)
    }
  }

  #checkSuspicion(stats: readonly PathStats[], now: number): void {
    for (const { path, status, rtoMs, srttMs = 0 } of stats) {
      const log = this.#logs.get(path) ?? fail(`path ${path} has stats, and is not attached`)
      if (log.suspect !== (status === 'suspect')) fail(`path ${path} is ${status}, and nobody was told`)
      log.rtoMs = rtoMs
      const oldest = log.oldestUnackedAt
      if (log.suspect || oldest == null) {
        log.heardElsewhereAt = undefined
        continue
      }
      const overdueAt = Math.max(oldest, log.echoAt, log.excusedAt) + rtoMs
      if (now <= overdueAt) log.heardElsewhereAt = undefined
      else if ([...this.#heard].some((heard) => heard !== path)) log.heardElsewhereAt ??= now
      const { heardElsewhereAt } = log
      if (heardElsewhereAt != null && now > heardElsewhereAt + srttMs + rtoMs + SUSPICION_GRACE_MS) {
        fail(`path ${path} is trusted though silent since ${overdueAt - rtoMs}, with the peer heard elsewhere`)
      }
    }
  }
}

/** A path is, or several that are not suspect share what one may have without a queue. */
function isFull(stats: readonly PathStats[]): boolean {
  const shared = stats.filter(({ status, inFlightBytes }) => status === 'healthy' && inFlightBytes > 0)
  const bytes = shared.reduce((sum, { inFlightBytes }) => sum + inFlightBytes, 0)
  const queueless = Math.max(...shared.map(({ inFlightLimit }) => inFlightLimit)) / 2
  return (shared.length > 1 && bytes >= queueless) || stats.some((one) => one.inFlightBytes >= one.inFlightLimit)
}
