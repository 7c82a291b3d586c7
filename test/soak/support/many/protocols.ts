/** Sends back what comes. */
export const ECHO = '/test/echo/1.0.0'

/** Takes what comes. */
export const SINK = '/test/sink/1.0.0'

/** Is sent to for as long as it is open. */
export const SOURCE = '/test/source/1.0.0'

export type { Contact } from '../../../support/raw-peer.ts'
