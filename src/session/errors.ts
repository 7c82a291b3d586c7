/** The peer broke a rule of the session protocol on one path. The path is aborted, others go on. */
export class ProtocolViolationError extends Error {
  static override name = 'ProtocolViolationError'
  override name = 'ProtocolViolationError'
}

/** The peer sent more than the credit it was given. */
export class FlowControlError extends Error {
  static override name = 'FlowControlError'
  override name = 'FlowControlError'
}

export class TooManyStreamsError extends Error {
  static override name = 'TooManyStreamsError'
  override name = 'TooManyStreamsError'

  constructor(maxStreams: number) {
    super(`This link already has ${maxStreams} streams open in this direction: close some, or wait for them to end`)
  }
}

export class SessionClosedError extends Error {
  static override name = 'SessionClosedError'
  override name = 'SessionClosedError'

  constructor() {
    super('The session is closed: dial the peer again')
  }
}
