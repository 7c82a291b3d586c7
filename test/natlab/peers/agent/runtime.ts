// What an agent needs of a browser, or of Node.
import type { Opening } from '../protocol.ts'

export interface Runtime {
  open(opening: Opening): Promise<Room>
  stop(): Promise<void>
}

/** A page, or what is one in Node. */
export interface Room {
  /** Text of a function, and its argument as JSON; resolves with its result as JSON. */
  evaluate(source: string, argument?: string): Promise<string | undefined>
  /** Errors that nobody asked for: uncaught ones, and those on the console. */
  errors(): Promise<string[]>
  close(): Promise<void>
}

/**
 * An expression that calls the function, waits, and gives its result as JSON. What is thrown may be an event, of which
 * browsers tell nothing but that it is an object.
 */
export function call(source: string, argument?: string): string {
  return `(async () => {
    try {
      return JSON.stringify(await (${source})(${argument ?? ''}))
    } catch (err) {
      throw err instanceof Error ? err : err?.error ?? new Error('rejected with ' + (err?.type ?? err))
    }
  })()`
}
