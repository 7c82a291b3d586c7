/** The carrier ended in the middle of a frame. */
export class PathTruncatedError extends Error {
  static override name = 'PathTruncatedError'
  override name = 'PathTruncatedError'

  constructor(readonly heldBytes: number) {
    super(
      `The carrier ended ${heldBytes} bytes into a frame: the peer or a relay cut it off; unacknowledged data is sent again`
    )
  }
}

/** More was written to a carrier than it takes: it is stalled, or its back-pressure was ignored. */
export class PathOverflowError extends Error {
  static override name = 'PathOverflowError'
  override name = 'PathOverflowError'

  constructor(
    readonly bufferedBytes: number,
    readonly maxBufferedBytes: number
  ) {
    super(
      `${bufferedBytes} bytes wait for a carrier that takes none, the limit is ${maxBufferedBytes}: the path is given up, its data is sent again elsewhere`
    )
  }
}
