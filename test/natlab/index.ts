/**
 * Networks for tests out of Linux namespaces: hosts behind NATs, with delay, loss, cuts and changing addresses, without
 * root where the kernel allows it. Real programs run in the hosts, and everything ends with the process that made it.
 *
 * Experimental: names may change with any version.
 *
 * @packageDocumentation
 */
export { Attachment, type CutOptions, type WireTraffic } from './attachment.ts'
export { whyNoLab } from './availability.ts'
export { LabClosedError, LabError, LabUnavailableError } from './errors.ts'
export { Host, type HostOptions, type HostSpawnOptions } from './host.ts'
export { type GilbertElliott, type Impairment, meanLoss, type WireImpairment } from './impairment.ts'
export { createLab, type Lab, type LabOptions } from './lab.ts'
export { type Dependence, Nat, type NatBehaviour, type NatKind, type NatOptions } from './nat.ts'
