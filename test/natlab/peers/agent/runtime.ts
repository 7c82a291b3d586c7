// What an agent needs of a browser, or of Node.
import type { Opening } from '../protocol.ts'

export interface Runtime {
  open(opening: Opening): Promise<Room>
  stop(): Promise<void>
}

/** A page, or what is one in Node. */
export interface Room {
  /** Resolves with what the expression gives: see `call`. */
  evaluate(expression: string): Promise<string>
  /** Errors that nobody asked for: uncaught ones, and those on the console. */
  errors(): Promise<string[]>
  close(): Promise<void>
}

/**
 * An expression that calls the function, waits, and gives an `Outcome` as JSON. What was thrown is told in words by the page
 * itself: of an event, or of an error without a stack, drivers tell nothing.
 */
export function call(source: string, argument?: string): string {
  return `(async () => {
    const words = (err) =>
      err instanceof Error
        ? String(err) + '\\n' + err.stack
        : err?.error != null
          ? words(err.error)
          : err?.type != null
            ? 'it threw the event ' + err.type
            : String(err)
    try {
      return JSON.stringify({ value: await (${source})(${argument ?? ''}) })
    } catch (err) {
      return JSON.stringify({ error: words(err) })
    }
  })()`
}
