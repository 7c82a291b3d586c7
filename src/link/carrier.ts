import type { AbortOptions, Connection } from '@libp2p/interface'

/** Long enough for a clean close over a slow relay; then it is cut. */
const CLOSE_TIMEOUT_MS = 2_000

/** Whom an adopted carrier waits for before it closes. */
export interface CarrierOwner {
  close(options?: AbortOptions): Promise<void>
}

/**
 * An ordinary libp2p connection that a link has taken for a path. Stock code leaves it alone (`limits`), and whoever
 * closes it, as `hangUp` and `stop` do with all connections at once, waits for the link's own close first.
 */
export class Carrier {
  readonly connection: Connection
  readonly #close: Connection['close']

  constructor(connection: Connection) {
    this.connection = connection
    this.#close = connection.close.bind(connection)
  }

  adopt(owner: CarrierOwner): void {
    const { connection } = this
    // Plain assignment would erase a relayed carrier's counters.
    connection.limits ??= {}
    connection.close = async (options) => {
      await owner.close(options).catch(() => {})
      await this.#close(options)
    }
  }

  async close(): Promise<void> {
    try {
      await this.#close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
    } catch (err) {
      this.abort(err as Error)
    }
  }

  abort(error: Error): void {
    this.connection.abort(error)
  }
}
