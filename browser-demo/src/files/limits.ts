/** What one file may have: both ends refuse more. 1 GiB, and storage of pages is rarely granted far beyond. */
export const maxFileBytes = 1_073_741_824

/**
 * Up to here a file is taken without a click, as chat programs do with pictures. Above, and when what a peer sent unasked
 * adds up, a person decides: it is their disk.
 */
export const askAboveBytes = 64_000_000
export const maxUnaskedBytes = 256_000_000

/** Incoming files of one peer on the list. Removing some makes room. */
export const maxIncomingFiles = 100

/** Files of this page on their way to one peer at once; the others are queued. */
export const maxOutgoingAtOnce = 4

/** One slice of a file: a slow path has something to show soon, and reading it takes a few milliseconds at most. */
export const sliceBytes = 262_144

/** Without a disk to write to, a file is kept in memory. */
export const maxBytesInMemory = 268_435_456

/** How often each end says how far it is. */
export const reportIntervalMs = 200
