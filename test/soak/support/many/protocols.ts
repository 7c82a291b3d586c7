/** Sends back what comes. */
export const ECHO = '/test/echo/1.0.0'

/** Takes what comes. */
export const SINK = '/test/sink/1.0.0'

/** Is sent to for as long as it is open. */
export const SOURCE = '/test/source/1.0.0'

/** How a peer is reached, and what its link runs on. */
export interface Contact {
  readonly peerId: string
  /** Without one, over the relay. */
  readonly address?: string
}
