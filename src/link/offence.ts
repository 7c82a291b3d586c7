import { FlowControlError, ProtocolViolationError } from '../session/index.ts'
import { MalformedFrameError, OversizedFrameError, UnknownFrameError } from '../wire/index.ts'
import { LinkRefusedError } from './errors.ts'

/** Reloads and short visits in quick succession are people; this many are not. */
export class TooManySessionsError extends LinkRefusedError {}

const OFFENCES = [
  FlowControlError,
  MalformedFrameError,
  OversizedFrameError,
  ProtocolViolationError,
  TooManySessionsError,
  UnknownFrameError
]

/** Whether a path ended because its peer broke the protocol: no loss, delay or lack of room does that to a peer in order. */
export function isOffence(error: Error | undefined): boolean {
  return OFFENCES.some((offence) => error instanceof offence)
}
