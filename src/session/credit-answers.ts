/** Credit somebody asked for: `sent` until it is acknowledged. */
type CreditAnswer =
  | { readonly status: 'due' }
  | { readonly status: 'sent'; readonly max: number; readonly sequence: number }

/**
 * What BLOCKED asked for on one path, per stream (undefined: the session). It is answered on that path: the sender heard
 * nothing where credit usually goes. Like all answers it waits for the carrier, and one that is still unacknowledged there is
 * not repeated: asking often must not make us keep more.
 */
export class CreditAnswers {
  readonly #answers = new Map<number | undefined, CreditAnswer>()

  /** BLOCKED came; `max` is what is granted, and more than the sender knew. */
  onAsked(stream: number | undefined, max: number): void {
    const answer = this.#answers.get(stream)
    if (answer == null || (answer.status === 'sent' && answer.max < max)) this.#answers.set(stream, { status: 'due' })
  }

  due(): Array<number | undefined> {
    if (this.#answers.size === 0) return NONE
    return [...this.#answers].flatMap(([stream, { status }]) => (status === 'due' ? [stream] : []))
  }

  onSent(stream: number | undefined, max: number, sequence: number): void {
    this.#answers.set(stream, { status: 'sent', max, sequence })
  }

  /** The stream has finished: nobody needs credit for it. */
  drop(stream: number | undefined): void {
    this.#answers.delete(stream)
  }

  onAcked(sequence: number): void {
    for (const [stream, answer] of this.#answers) {
      if (answer.status === 'sent' && answer.sequence <= sequence) this.#answers.delete(stream)
    }
  }
}

const NONE: Array<number | undefined> = []
