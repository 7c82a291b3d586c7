import type { Session } from '../../../../src/session/index.ts'
import type { Frame } from '../../../../src/wire/index.ts'
import type { App } from '../app.ts'
import { fail } from '../fail.ts'
import type { Ledger } from '../ledger.ts'
import { ReceivedModel } from './received-model.ts'
import { SentModel } from './sent-model.ts'

/** One side's session as its frames show it, from outside: the session must be in accord with it whenever it has come to rest. */
export class SessionModel {
  readonly #side: 0 | 1
  readonly #ledger: Ledger
  readonly #sent = new SentModel()
  readonly #received: ReceivedModel

  constructor(side: 0 | 1, ledger: Ledger, streamWindow: number) {
    this.#side = side
    this.#ledger = ledger
    this.#received = new ReceivedModel(streamWindow)
  }

  onStart(stream: number): void {
    this.#sent.onStart(stream, this.#ledger.directions(stream)[this.#side])
  }

  onAttached(path: number, now: number): void {
    this.#sent.onAttached(path, now)
    this.#received.onAttached(path)
  }

  onDetached(path: number): void {
    this.#sent.onDetached(path)
    this.#received.onDetached(path)
  }

  onOut(path: number, frame: Frame, now: number): void {
    this.#as(() => {
      this.#sent.onOut(path, frame, now)
      this.#received.onOut(path, frame)
    })
  }

  onIn(path: number, frame: Frame, now: number): void {
    this.#as(() => {
      this.#sent.onIn(path, frame, now)
      this.#received.onIn(path, frame, (stream) => this.#incoming(stream))
    })
  }

  onSuspect(path: number, by: 'self' | 'peer', now: number): void {
    this.#as(() => this.#sent.onSuspect(path, by, now))
  }

  onRestored(path: number): void {
    this.#as(() => this.#sent.onRestored(path))
  }

  checkAcked(path: number): void {
    this.#as(() => this.#received.checkAcked(path))
  }

  check(session: Session, app: App, isWritable: boolean, now: number): void {
    this.#as(() => {
      const heldBytes = this.#received.heldBytes((stream) => app.knows(stream))
      if (session.receiveBufferedBytes !== heldBytes) {
        fail(`holds ${session.receiveBufferedBytes} bytes behind gaps, ${heldBytes} came`)
      }
      const isOver = (stream: number) => this.#incoming(stream).isOver
      // The peer has closed: streams it never saw are given up without a word to the application.
      const mayAbandon = app.peerClosed != null
      this.#sent.check(session.paths(), isWritable && !mayAbandon, isOver, now)
      const { keptBytes } = this.#sent
      if (!mayAbandon && session.sendBufferedBytes !== keptBytes) {
        fail(`keeps ${session.sendBufferedBytes} bytes for sending, ${keptBytes} are written and not acknowledged`)
      }
    })
  }

  #incoming(stream: number) {
    return this.#ledger.directions(stream)[1 - this.#side]!
  }

  #as(check: () => void): void {
    try {
      check()
    } catch (err) {
      fail(`side ${this.#side}: ${(err as Error).message}`)
    }
  }
}
