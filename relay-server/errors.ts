/**
 * Something the person who runs the relay can put right. The message says what is wrong and what to do about it, so
 * the command line prints it as it is, without a stack.
 */
export class RelayError extends Error {
  /** What went wrong, for programs. */
  readonly code: RelayErrorCode
  /** What to do about it, in one sentence. Part of the message too. */
  readonly remedy: string

  constructor(code: RelayErrorCode, problem: string, remedy: string, options?: ErrorOptions) {
    super(`${problem}\n${remedy}`, options)
    this.name = 'RelayError'
    this.code = code
    this.remedy = remedy
  }
}

export type RelayErrorCode =
  | 'INVALID_OPTION'
  | 'INVALID_ANNOUNCE'
  | 'WRONG_PEER_ID'
  | 'IDENTITY_CORRUPT'
  | 'IDENTITY_EXPOSED'
  | 'IDENTITY_UNREADABLE'
  | 'LISTEN_FAILED'
  | 'STUN_FAILED'
