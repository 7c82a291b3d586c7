/** Per-peer state machine that opens, probes, prefers and abandons paths, and its driver. Decides; touches no bytes. */
export type * from './api.ts'
